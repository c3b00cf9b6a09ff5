"""Secrets of checks through the whole stack: they reach their targets, and nobody else sees them anywhere."""

import base64
import hashlib
import http.server
import json
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.fleet import Fleet
from tests.support.ports import free_port
from tests.support.process_memory import holds
from tests.support.stack import ROOT, Stack, Team, reason, until
from tests.support.targets import Authority

PASSWORD, TOKEN, COOKIE, SHOP = "s3cret-pass word", "s3cret-token", "sid=s3cret-cookie", "s3cret-of-a-shop"
KEYS = [base64.b64encode(hashlib.sha256(bytes([number])).digest()).decode() for number in (1, 2)]
_TABLES = ("checks", "audit_log", "results", "on_demand_results", "incidents", "incident_events")


class _Demanding(http.server.BaseHTTPRequestHandler):
    """Answers 200 to who shows what its path asks for."""

    WANTED = {  # noqa: RUF012 — nobody changes it
        "/basic": ("authorization", f"Basic {base64.b64encode(f'bob:{PASSWORD}'.encode()).decode()}"),
        "/bearer": ("authorization", f"Bearer {TOKEN}"),
        "/cookie": ("cookie", COOKIE),
        "/shop": ("x-shop", SHOP),
        "/": ("user-agent", "SentinelStack"),
    }

    def do_GET(self) -> None:
        header, value = self.WANTED[self.path]
        self.send_response(200 if self.headers.get(header) == value else 401)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — as the base class has it
        """Say nothing."""


@contextmanager
def demanding(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), _Demanding)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def put(team: Team, service: str, name: str, http: dict[str, Any]) -> str:
    body = {"name": name, "http": http, "interval": "5s", "timeout": "2s"}
    return str(team.post(f"/services/{service}/checks", **body)["check"]["id"])


def run(team: Team, service: str, check: str) -> dict[str, Any]:
    """The result of a run on demand."""
    answer = team.client.post(f"/services/{service}/checks/{check}:run", json={})
    return dict(next(event["result"] for event in map(json.loads, answer.text.splitlines()) if "result" in event))


async def written(stack: Stack) -> str:
    """All that the database has of checks, what was done to them, and what came of them."""
    async with Fleet(stack).owner() as admin:
        rows = [row[0] for table in _TABLES for row in await admin.fetch(f"SELECT t::text FROM {table} t")]
    return "\n".join(rows)


async def keys_in_use(stack: Stack) -> set[str]:
    async with Fleet(stack).owner() as admin:
        return {
            row[0] for row in await admin.fetch("SELECT DISTINCT spec_message->'sealed'->>'key' FROM checks") if row[0]
        }


def rotate(stack: Stack) -> str:
    """What the operator's command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", "rotate-secrets"],
        cwd=ROOT,
        env={**os.environ, "SENTINEL_DATA_DIR": str(stack.data_dir)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


def up_again(team: Team, checks: set[str]) -> None:
    """Wait until each check was UP once more by its schedule, and neither DOWN nor ERROR meanwhile."""
    left = set(checks)
    for event in team.results():
        result = event["result"]
        if result["checkId"] in checks:
            assert result["outcome"] in {"OUTCOME_UP", "OUTCOME_MISSED"}, result
        if result["outcome"] == "OUTCOME_UP":
            left.discard(result["checkId"])
        if not left:
            return


@pytest.fixture
def stack(short_folder: Path, template: Path) -> Iterator[Stack]:
    """A stack whose keys change and whose worker is stopped."""
    stack = Stack(data_dir=short_folder / "secrets", template=template)
    stack.start()
    yield stack
    stack.stop()


@pytest.mark.slow
async def test_secrets_reach_their_targets_and_nobody_else_while_keys_change(
    stack: Stack, team: Team, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.client()
    secret_texts = [PASSWORD, TOKEN, COOKIE.partition("=")[2], SHOP, key.splitlines()[1], "Ym9iOnMzY3JldC1wYXNz"]
    with demanding() as port, demanding(authority.asking("localhost")) as secure_port:
        plain, secure = f"http://localhost:{port}", f"https://localhost:{secure_port}"
        tls = {"caCertificates": authority.pem}
        service = team.service()
        asked: dict[str, dict[str, Any]] = {
            "basic": {"url": f"{plain}/basic", "basicAuth": {"username": "bob", "password": PASSWORD}},
            "bearer": {"url": f"{plain}/bearer", "bearerToken": TOKEN},
            "cookie": {"url": f"{plain}/cookie", "headers": {"Cookie": COOKIE}},
            "shop": {"url": f"{plain}/shop", "headers": {"X-Shop": SHOP}, "secretHeaders": ["X-Shop"]},
            "mutual": {
                "url": f"{secure}/",
                "tls": tls,
                "clientCertificate": {"certificate": certificate, "privateKey": key},
            },
        }
        checks = {name: put(team, service, name, http) for name, http in asked.items()}
        unknown = {name: put(team, service, f"no {name}", {"url": f"{plain}/{name}"}) for name in ("basic", "bearer")}
        unknown["mutual"] = put(team, service, "no mutual", {"url": f"{secure}/", "tls": tls})

        assert [run(team, service, check)["outcome"] for check in checks.values()] == ["OUTCOME_UP"] * 5
        assert [run(team, service, check)["outcome"] for check in unknown.values()] == ["OUTCOME_DOWN"] * 3

        answers = [team.client.get(path).text for path in (f"/services/{service}/checks", "/audit")]
        for name, check in checks.items():
            path = f"/services/{service}/checks/{check}"
            answers.append(team.client.get(path).text)
            read = json.loads(answers[-1])["check"]
            assert "[secret]" in json.dumps(read["http"])
            kept = team.client.patch(path, json={"name": f"{name} again", "http": read["http"]})
            assert kept.status_code == 200, kept.text
            moved = team.client.patch(path, json={"http": {"url": "https://evil.test/"}})
            assert (moved.status_code, reason(moved)) == (400, "SECRET_NOT_STORED")
            answers += [kept.text, moved.text, team.client.post(f"{path}:pause").text]
            answers.append(team.client.post(f"{path}:resume").text)

        before = await keys_in_use(stack)
        assert "Re-encrypted the secrets of " in rotate(stack)
        after = await keys_in_use(stack)
        assert len(after) == 1
        assert not before & after
        up_again(team, {*checks.values()})

        # Changed since, so read by a worker that has run all along; then all are read by one that begins anew.
        for check in checks.values():
            assert team.client.patch(f"/services/{service}/checks/{check}", json={"retries": 1}).status_code == 200
        assert await keys_in_use(stack) == after
        up_again(team, {*checks.values()})
        worker = stack.child("services.worker.app")
        worker.terminate()
        worker.wait(20)
        up_again(team, {*checks.values()})

    places = {"an answer": "\n".join(answers), "the database": await written(stack), "the log": stack.said()}
    assert not [(text, place) for place, said in places.items() for text in secret_texts if text in said]
    assert not [line for line in (stack.data_dir / "keys" / "secrets.keys").read_text().split() if line in stack.said()]


@pytest.mark.slow
def test_a_lost_key_is_said_of_each_check_and_mended_by_giving_it_back(short_folder: Path, template: Path) -> None:
    stack = Stack(data_dir=short_folder / "lost", settings={"SENTINEL_SECRETS_KEY": KEYS[0]}, template=template)
    stack.start()
    try:
        with Team(stack) as team, demanding() as port:
            service = team.service()
            check = put(team, service, "bearer", {"url": f"http://localhost:{port}/bearer", "bearerToken": TOKEN})
            assert run(team, service, check)["outcome"] == "OUTCOME_UP"
            # As its settings have it, and as the bytes that it stands for; in memory that was freed as well.
            forms = KEYS[0].encode(), base64.b64decode(KEYS[0])
            names = ("auth.app", "monitor.app", "worker.app", "fork_server")
            holders = {name: holds(stack.child("-m", name).pid, *forms) for name in names}
            assert {name for name, held in holders.items() if held} == {"monitor.app", "worker.app"}

            restarted(stack, KEYS[1])
            result = run(team, service, check)
            assert (result["outcome"], result["errorKind"]) == ("OUTCOME_ERROR", "ERROR_KIND_INTERNAL")
            assert "cannot decrypt" in result["errorMessage"]
            read = team.client.get(f"/services/{service}/checks/{check}").json()["check"]
            assert read["http"]["bearerToken"] == "[secret]"
            until(
                lambda: "secrets cannot be decrypted with any configured key" in stack.said() and check in stack.said()
            )

            restarted(stack, f"{KEYS[1]},{KEYS[0]}")
            assert run(team, service, check)["outcome"] == "OUTCOME_UP"
            until(lambda: "re-encrypted secrets" in stack.said())
            restarted(stack, KEYS[1])
            assert run(team, service, check)["outcome"] == "OUTCOME_UP"
            assert not [text for text in (TOKEN, *KEYS) if text in stack.said()]
    finally:
        stack.stop()


def restarted(stack: Stack, keys: str) -> None:
    stack.stop()
    stack.settings["SENTINEL_SECRETS_KEY"] = keys
    stack.start()


@pytest.mark.parametrize("keys", ["s3cret", "," + KEYS[0][:-4]])
def test_a_key_that_is_none_stops_the_start_and_is_not_shown(tmp_path: Path, keys: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "up"],
        cwd=ROOT,
        env={**os.environ, "SENTINEL_DATA_DIR": str(tmp_path), "SENTINEL_SECRETS_KEY": keys},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("sentinel: SENTINEL_SECRETS_KEY must contain keys of 32 random bytes")
    assert keys.strip(",") not in done.stderr
