"""What may happen at 3 a.m.: crashes, restarts, kills. Nothing recorded is lost, nothing is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.e2e.target import Target
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port
from tests.support.stack import ROOT, Stack, Team, reason, until

# Longer than two intervals of 5 s: one slot at least is more than an interval late when it ends.
OUTAGE_S = 11.0
_APPS = ("services.auth.app", "services.monitor.app", "services.worker.app")


@pytest.fixture
def team(own_stack: Stack) -> Iterator[Team]:
    """A team on the stack of its own, not on the one that others share."""
    with Team(own_stack) as team:
        yield team


@pytest.fixture
def own_stack(disk_folder: Path, template: Path) -> Iterator[Stack]:
    """A stack that the test may break."""
    stack = Stack(data_dir=disk_folder / f"own-{free_port()}", template=template, durable=True)
    stack.start()
    yield stack
    stack.stop()


def test_a_second_up_has_all_the_data_and_a_stream_ends_with_a_reason_and_resumes(
    own_stack: Stack, team: Team, target: Target
) -> None:
    service = team.service("Shop")
    check = team.check(service, target.url)
    events = team.stream(f"?checkId={check}")
    first = next(event["result"] for event in events if "result" in event)
    family = own_stack.children()
    own_stack.process.send_signal(signal.SIGINT)
    last = list(events)[-1]
    assert last["end"]["reason"] == "STREAM_END_REASON_SHUTTING_DOWN"
    own_stack.process.wait(PATIENCE_S)
    assert psutil.wait_procs(family, timeout=PATIENCE_S)[1] == []

    own_stack.start()
    assert [entry["id"] for entry in team.client.get("/services").json()["services"]] == [service]
    resumed = team.results(f"?checkId={check}&cursor={last['end']['cursor']}")
    following = next(resumed)["result"]
    assert _slots_apart(first["result"], following) >= 1
    again = team.results(f"?checkId={check}&cursor={first['cursor']}")
    assert _slots_apart(first["result"], next(again)["result"]) == 1  # nothing between is lost


@contextmanager
def nothing_is_restarted(stack: Stack) -> Iterator[None]:
    """The supervisor stands still: what dies stays dead for as long as the block runs."""
    supervisor = psutil.Process(stack.process.pid)
    supervisor.suspend()
    try:
        yield
    finally:
        supervisor.resume()


def _slots_apart(one: dict[str, Any], other: dict[str, Any]) -> float:
    return (datetime.fromisoformat(other["slotTime"]) - datetime.fromisoformat(one["slotTime"])).total_seconds() / 5


def test_a_killed_worker_comes_back_and_every_slot_is_accounted_for(
    own_stack: Stack, team: Team, target: Target
) -> None:
    check = team.check(team.service(), target.url)
    results = team.results(f"?checkId={check}")
    first = next(results)
    results.close()
    with nothing_is_restarted(own_stack):
        own_stack.child("services.worker.app").kill()
        time.sleep(OUTAGE_S)  # the fault itself

    seen = [first["result"]]
    until(lambda: team.client.get("/healthz").status_code == 200)
    for event in team.results(f"?checkId={check}&cursor={first['cursor']}"):
        seen.append(event["result"])
        if event["result"]["workerId"] != first["result"]["workerId"] and event["result"]["outcome"] == "OUTCOME_UP":
            break

    expected = 0.0
    for result in seen:  # each slot of the grid once, run or missed, and none twice
        assert _slots_apart(seen[0], result) == expected
        expected += result["slotCount"]
    assert {result["outcome"] for result in seen} == {"OUTCOME_UP", "OUTCOME_MISSED"}
    missed = [result for result in seen if result["outcome"] == "OUTCOME_MISSED"]
    assert {result["missedReason"] for result in missed} == {"MISSED_REASON_NO_WORKER"}
    assert [result for result in seen if "startTime" not in result] == missed


def test_a_crash_of_the_database_loses_no_recorded_result_and_all_recovers_by_itself(
    own_stack: Stack, team: Team, target: Target
) -> None:
    service = team.service()
    check = team.check(service, target.url)
    first = next(team.results(f"?checkId={check}"))
    postmaster = own_stack.child("bin/postgres")
    backends = postmaster.children(recursive=True)
    with nothing_is_restarted(own_stack):
        postmaster.kill()
        assert psutil.wait_procs(backends, timeout=60)[1] == []
        answer = team.client.get(f"/services/{service}")
    assert (answer.status_code, reason(answer)) == (503, "TEMPORARILY_UNAVAILABLE")
    seen = [first["result"]]
    until(lambda: team.client.get(f"/services/{service}/status").status_code == 200)
    for event in team.results(f"?checkId={check}&cursor={first['cursor']}"):
        seen.append(event["result"])
        if len(seen) == 4:
            break

    assert [_slots_apart(seen[0], result) for result in seen] == [0, 1, 2, 3]
    assert {result["outcome"] for result in seen} == {"OUTCOME_UP"}


def test_services_outlive_the_process_that_they_are_forked_from_and_another_stack_sees_nothing_of_it(
    own_stack: Stack, team: Team, disk_folder: Path, template: Path
) -> None:
    beside = Stack(data_dir=disk_folder / f"beside-{free_port()}", template=template)
    beside.start()
    try:
        programs = psutil.Process(beside.pid).children()
        server = own_stack.child("cli.fork_server")
        services = [own_stack.child(name) for name in _APPS]
        server.kill()
        until(lambda: _replaced(own_stack, server, "cli.fork_server"))
        assert all(each.is_running() for each in services)
        assert team.client.get("/auth/me").status_code == 200

        for each in services:
            each.kill()
        until(lambda: all(_replaced(own_stack, each, name) for each, name in zip(services, _APPS, strict=True)))
        until(lambda: team.client.get("/auth/me").status_code == 200)
        family = own_stack.children()
        own_stack.process.send_signal(signal.SIGINT)
        assert own_stack.process.wait(60) == 0
        assert_is_gone(family)

        assert psutil.Process(beside.pid).children() == programs
        assert _healthy(beside)
    finally:
        beside.stop()


def _replaced(stack: Stack, former: psutil.Process, word: str) -> bool:
    """Whether another process runs a program in the place of one that was killed."""
    with suppress(psutil.Error, ValueError):  # what ends just now has no command line; there may be none, or two
        return bool(stack.child(word) != former)
    return False


def test_nothing_is_left_behind_when_up_is_killed(short_folder: Path) -> None:
    stack = Stack(data_dir=short_folder / "killed-up")
    stack.start()
    family = stack.children()
    stack.process.kill()
    stack.process.wait()
    assert_is_gone(family)


def test_nothing_is_left_behind_when_make_is_killed(short_folder: Path) -> None:
    stack = Stack(data_dir=short_folder / "killed-make")
    environment = {**os.environ, "SENTINEL_HTTP_PORT": str(stack.port), "SENTINEL_DATA_DIR": str(stack.data_dir)}
    # With the environment that runs this test, as it is: nothing is installed.
    command = ["make", f"VENV={sys.prefix}", f"--assume-old={sys.prefix}/.run", "up"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as make:
        try:
            until(lambda: _healthy(stack))
            family = psutil.Process(make.pid).children(recursive=True)
        finally:
            make.kill()
    assert_is_gone(family)


def assert_is_gone(family: list[psutil.Process]) -> None:
    assert len(family) > 5
    gone, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    assert len(gone) == len(family)


def _healthy(stack: Stack) -> bool:
    try:
        with stack.rest() as client:
            return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SENTINEL_HTTP_PORT": "http"}, "SENTINEL_HTTP_PORT is 'http'"),
        ({"SENTINEL_WORKERS": "0"}, "SENTINEL_WORKERS is '0'"),
        ({"SENTINEL_LOG_LEVEL": "loud"}, "SENTINEL_LOG_LEVEL is 'loud'"),
        ({"SENTINEL_DATABASE_URL": "mysql://x"}, "SENTINEL_DATABASE_URL must begin with postgresql://"),
        ({"SENTINEL_DATABASE_URL": "postgresql://u:secret@127.0.0.1:1/x"}, "127.0.0.1:1 cannot be reached"),
        ({"SENTINEL_EGRESS_ALLOW": "everywhere"}, "SENTINEL_EGRESS_ALLOW"),
        ({"SENTINEL_LISTEN_ADDRESSES": "192.0.2.1"}, "SENTINEL_REGISTRATION is not set"),
        (
            {"SENTINEL_LISTEN_ADDRESSES": "192.0.2.1", "SENTINEL_REGISTRATION": "closed"},
            "this machine has no address 192.0.2.1",
        ),
        ({"SENTINEL_TLS_CERT": "/absent", "SENTINEL_TLS_KEY": "/absent"}, "SENTINEL_TLS_CERT: /absent cannot be read"),
    ],
)
def test_what_cannot_start_says_why_in_a_sentence(short_folder: Path, settings: dict[str, str], said: str) -> None:
    done = run_up(short_folder / "wrong", settings)

    assert done.returncode == 2
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_a_taken_port_and_a_taken_folder_are_said_in_a_sentence(stack: Stack, short_folder: Path) -> None:
    port = run_up(short_folder / "wrong", {"SENTINEL_HTTP_PORT": str(stack.port)})
    folder = run_up(stack.data_dir, {})

    assert (port.returncode, folder.returncode) == (2, 2)
    assert f"cannot listen on port {stack.port} of 127.0.0.1" in port.stderr
    assert f"another Sentinel Stack is running on {stack.data_dir}" in folder.stderr


def run_up(data_dir: Path, settings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `up` where it should not start."""
    return subprocess.run(
        [sys.executable, "-m", "cli", "up"],
        cwd=ROOT,
        env={**os.environ, "SENTINEL_HTTP_PORT": str(free_port()), "SENTINEL_DATA_DIR": str(data_dir), **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_several_workers_share_the_checks_and_a_stopped_one_hands_over(
    short_folder: Path, template: Path, target: Target
) -> None:
    stack = Stack(data_dir=short_folder / "several", settings={"SENTINEL_WORKERS": "2"}, template=template)
    stack.start()
    try:
        with Team(stack) as team:
            service = team.service()
            checks = {team.check(service, target.url) for _ in range(24)}
            # New workers need two rounds of renewing until each holds its half.
            workers: dict[str, str] = {}
            for event in team.results():
                workers[event["result"]["checkId"]] = event["result"]["workerId"]
                if len(set(workers.values())) == 2 and set(workers) == checks:
                    break
            (first, *_) = [each for each in stack.children() if "services.worker.app" in each.cmdline()]
            cursor = event["cursor"]
            first.terminate()  # in order; `up` starts another in its place
            seen: dict[str, list[dict[str, Any]]] = {check: [] for check in checks}
            for event in team.results(f"?cursor={cursor}"):
                seen[event["result"]["checkId"]].append(event["result"])
                if all(len(results) >= 3 for results in seen.values()):
                    break
        for results in seen.values():  # handed over at once: no slot is missed, none comes twice
            assert {result["outcome"] for result in results} == {"OUTCOME_UP"}
            assert [_slots_apart(results[0], result) for result in results] == list(range(len(results)))
    finally:
        stack.stop()
