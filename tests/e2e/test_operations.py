"""What an operator sees: the figures of each process as they move, and the workers as they come and go."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from services.platform.postgres.database import create_pool
from services.worker.lease import TTL_S
from services.worker.store import WorkersSql
from tests.e2e.target import Target
from tests.support.ports import free_port
from tests.support.scraped import Samples, labels_of, scraped, value
from tests.support.stack import ROOT, Stack, Team, bearer, until

UP = {"outcome": "UP", "error_kind": ""}
REFUSED = {"outcome": "DOWN", "error_kind": "CONNECT_REFUSED"}


def targets(stack: Stack) -> dict[str, str]:
    """Where each process of a stack shows its figures, as Prometheus reads it."""
    entries = json.loads((stack.data_dir / "run" / "metrics.json").read_text())
    assert {entry["labels"]["job"] for entry in entries} == {"sentinel"}
    return {entry["labels"]["process"]: entry["targets"][0] for entry in entries}


@pytest.fixture(scope="module")
def several(short_folder: Path, template: Path) -> Iterator[Stack]:
    """A stack with two workers, whose figures nobody else's calls move."""
    stack = Stack(data_dir=short_folder / "watched", settings={"SENTINEL_WORKERS": "2"}, template=template)
    stack.start()
    where = targets(stack)
    held = ("sentinel_shards_held", frozenset[tuple[str, str]]())  # not there before the worker has its database
    until(lambda: all(scraped(where[f"worker-{n}"]).get(held) == 128 for n in range(2)))
    yield stack
    stack.stop()


@pytest.mark.slow
@pytest.mark.xdist_group("operations")
def test_each_process_shows_its_figures_and_they_move_with_what_happens(several: Stack, target: Target) -> None:
    where = targets(several)
    workers = ("worker-0", "worker-1")
    assert set(where) == {"auth", "monitor", "supervisor", *workers}
    before = {process: scraped(address) for process, address in where.items()}
    during: dict[str, Samples] = {}

    def total(name: str, **labels: str) -> float:
        return sum(value(during[worker], name, **labels) for worker in workers)

    def grew(name: str, **labels: str) -> float:
        return total(name, **labels) - sum(value(before[worker], name, **labels) for worker in workers)

    def counted() -> bool:
        during.update({process: scraped(where[process]) for process in workers})
        return grew("sentinel_batch_results_sum") >= 2

    with Team(several) as team:
        service = team.service()
        up, down = team.check(service, target.url), team.check(service, f"http://localhost:{free_port()}/")
        awaited = {up, down}
        results = team.results()
        for event in results:
            awaited.discard(event["result"]["checkId"])
            if not awaited:
                break
        # A reader learns of a batch from the transaction that writes it; the worker counts it once that has ended.
        until(counted)
        results.close()

    assert grew("sentinel_runs_total", **UP) >= 1
    assert grew("sentinel_check_runs_total", kind="http", outcome="UP") >= 1
    assert grew("sentinel_runs_total", **REFUSED) >= 1
    assert grew("sentinel_run_start_lag_seconds_count") >= 2
    assert grew("sentinel_batch_results_sum") >= 2
    assert grew("sentinel_batch_write_seconds_count") >= 1
    assert grew("sentinel_dns_lookups_total", source="name_server") >= 1
    assert grew("sentinel_stream_results_total") >= 2
    assert grew("sentinel_stream_readers") == 1
    assert grew("sentinel_checks_held") >= 2
    assert total("sentinel_shards_held") == 256

    def ended() -> float:
        return sum(
            value(scraped(where[worker]), "sentinel_stream_readers_ended_total", reason="READER") for worker in workers
        )

    until(lambda: ended() >= 1)
    assert value(scraped(where.pop("supervisor")), "process_resident_memory_bytes") > 0
    for process, address in where.items():
        samples = scraped(address)
        assert value(samples, "sentinel_database_up") == 1
        assert value(samples, "sentinel_database_answer_seconds") > 0
        assert value(samples, "process_resident_memory_bytes") > 0
        (build,) = labels_of(samples, "sentinel_build_info")
        assert build["service"] == process.partition("-")[0]
    for worker in workers:
        assert value(scraped(where[worker]), "sentinel_lease_renewal_age_seconds") < TTL_S
    assert calls(scraped(where["auth"]), "Register") == calls(before["auth"], "Register") + 1
    assert calls(scraped(where["monitor"]), "CreateCheck") == calls(before["monitor"], "CreateCheck") + 2


def calls(samples: Samples, method: str) -> float:
    """How many calls of a method ended well."""
    return sum(
        count
        for (name, labels), count in samples.items()
        if name == "grpc_server_handled_total" and {("grpc_method", method), ("grpc_code", "OK")} <= labels
    )


def test_no_label_tells_of_a_tenant_and_the_door_shows_no_figures(stack: Stack, team: Team, target: Target) -> None:
    service = team.service("Secretive")
    check = team.check(service, target.url)
    next(team.results(f"?checkId={check}"))
    known = {team.slug, team.registered["tenant"]["id"], team.registered["user"]["id"], service, check, "localhost"}
    for address in targets(stack).values():
        values = {text for _, labels in scraped(address) for _, text in labels}
        assert not known & values
    for path in ("/metrics", "/v1/metrics"):
        answer = team.client.get(path)
        assert answer.status_code == 404
        assert "sentinel_" not in answer.text


def test_an_admin_sees_the_workers_of_the_own_checks_and_nobody_else_does(
    stack: Stack, team: Team, other_team: Team, target: Target
) -> None:
    assert team.client.get("/workers").json() == {"workers": [], "nextPageToken": "", "totalSize": 0}
    check = team.check(team.service(), target.url)
    other_service = other_team.service()
    for _ in range(3):
        other_team.check(other_service, target.url)
    worker_id = next(team.results(f"?checkId={check}"))["result"]["workerId"]
    answer = team.client.get("/workers").json()
    (worker,) = answer["workers"]

    assert answer["totalSize"] == 1
    assert (worker["id"], worker["live"], worker["checksHeld"]) == (worker_id, True, 1)
    assert worker["startTime"] < worker["renewTime"]
    # The response has no data of other tenants or of the machine.
    unused = {name: value for name, value in worker.items() if value in ("", 0)}
    assert unused.keys() == {"host", "version", "shardsHeld", "runsInFlight", "runsWaiting", "runsPerSecond"}
    assert worker.keys() - unused.keys() == {"id", "startTime", "renewTime", "live", "checksHeld"}
    assert socket.gethostname() not in worker_id
    with stack.rest() as client:
        for role in ("viewer", "member"):
            for token in (team.person(role).token, team.api_key(role)["key"]):
                refused = client.get("/workers", headers=bearer(token))
                assert refused.status_code == 403
                assert refused.json()["details"][0]["reason"] == "ROLE_INSUFFICIENT"
        assert client.get("/workers", headers=bearer(team.api_key("admin")["key"])).status_code == 200
        assert client.get("/workers").status_code == 401
    forged = team.client.get("/workers?pageToken=forged")
    assert (forged.status_code, forged.json()["details"][0]["reason"]) == (400, "PAGE_TOKEN_INVALID")


@contextmanager
def lone_worker(stack: Stack) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that knows the database's URL and where to listen, nothing else: as on another machine."""
    run_dir = (stack.data_dir / "run").resolve()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SENTINEL_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "services.worker.app"],
        cwd=ROOT,
        env={
            **environment,
            "SENTINEL_DATABASE_URL": f"postgresql://postgres@/sentinel?host={run_dir / 'postgres'}",
            "SENTINEL_LISTEN": f"127.0.0.1:{free_port()}",
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def shards_held(stack: Stack) -> dict[str, int]:
    """Each worker, the oldest first, and how many shards it holds, as `sentinel admin list-workers` reads it."""
    run_dir = (stack.data_dir / "run").resolve()
    url = f"postgresql://postgres@/sentinel?host={run_dir / 'postgres'}"
    pool = await create_pool(url, "sentinel_worker", 1, times_in_us=True)
    try:
        return {worker.id: worker.shards_held for worker in await WorkersSql(pool).list_all_workers(TTL_S)}
    finally:
        await pool.close()


@pytest.mark.slow
@pytest.mark.xdist_group("operations")
def test_a_worker_joins_by_url_takes_its_share_and_when_killed_is_gone(several: Stack) -> None:
    where = targets(several)
    assert {"worker-0", "worker-1"} < set(where)
    with Team(several):

        def shards() -> dict[str, int]:
            return asyncio.run(shards_held(several))

        until(lambda: sorted(shards().values()) == [128, 128])
        with lone_worker(several) as joined:
            until(lambda: sorted(shards().values()) == [84, 86, 86])
            newest = list(shards())[-1]
            assert psutil.Process(joined.pid).net_connections("tcp")
            joined.kill()
            # How long this takes at most is held to in virtual time (tests/unit/worker/test_takeover.py).
            until(lambda: newest not in shards())
            until(lambda: sum(shards().values()) == 256)
