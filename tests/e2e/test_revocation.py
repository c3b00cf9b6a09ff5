"""What an administrator, an owner or an operator takes away is gone in every service (ADR 0009)."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.e2e.target import Target
from tests.support.ports import free_port
from tests.support.reads import READS, all_answer, answer_to, open_stream, soon
from tests.support.stack import PASSWORD, ROOT, Person, Stack, Team, bearer, reason, registration, until


def logout(_team: Team, mine: httpx.Client, _person: Person) -> None:
    mine.post("/auth/logout", json={}).raise_for_status()


def end_the_session(team: Team, mine: httpx.Client, person: Person) -> None:
    with team.stack.rest() as elsewhere:
        elsewhere.headers.update(bearer(log_in(team, person)["accessToken"]))
        sessions = elsewhere.get("/auth/sessions").json()["sessions"]
        (other,) = (session["id"] for session in sessions if not session.get("current"))
        elsewhere.delete(f"/auth/sessions/{other}").raise_for_status()


def end_all_others(team: Team, mine: httpx.Client, person: Person) -> None:
    with team.stack.rest() as elsewhere:
        elsewhere.headers.update(bearer(log_in(team, person)["accessToken"]))
        elsewhere.post("/auth/sessions:endOthers", json={}).raise_for_status()
        all_answer(elsewhere, (200, ""))


def change_the_password(team: Team, mine: httpx.Client, person: Person) -> None:
    with team.stack.rest() as elsewhere:
        elsewhere.headers.update(bearer(log_in(team, person)["accessToken"]))
        body = {"currentPassword": PASSWORD, "newPassword": PASSWORD + "!"}
        elsewhere.post("/auth/change-password", json=body).raise_for_status()
        all_answer(elsewhere, (200, ""))


def disable(team: Team, mine: httpx.Client, person: Person) -> None:
    team.client.patch(f"/users/{person.id}", json={"disabled": True}).raise_for_status()


def delete(team: Team, mine: httpx.Client, person: Person) -> None:
    team.client.delete(f"/users/{person.id}").raise_for_status()


def delete_oneself(_team: Team, mine: httpx.Client, _person: Person) -> None:
    mine.delete("/auth/me").raise_for_status()


def log_in(team: Team, person: Person) -> dict[str, Any]:
    body = {"tenantSlug": team.slug, "email": person.email, "password": PASSWORD}
    with team.stack.rest() as client:
        answer = client.post("/auth/login", json=body)
    answer.raise_for_status()
    return dict(answer.json()["tokens"])


@pytest.mark.parametrize(
    "change", [logout, end_the_session, end_all_others, change_the_password, disable, delete, delete_oneself]
)
def test_a_session_ends_everywhere_at_once_and_with_it_its_streams(
    stack: Stack, team: Team, change: Callable[[Team, httpx.Client, Person], None]
) -> None:
    person = team.person("viewer")
    with stack.rest() as client:
        client.headers.update(bearer(person.token))
        all_answer(client, (200, ""))
        with open_stream(client) as end:
            change(team, client, person)
            all_answer(client, (401, "SESSION_ENDED"))
            assert end() == "STREAM_END_REASON_SESSION_ENDED"
        refused = client.post("/auth/refresh", json={"refreshToken": person.refresh_token})
        assert (refused.status_code, reason(refused)) == (401, "REFRESH_TOKEN_INVALID")
        assert team.client.get("/services").status_code == 200


def demote(team: Team, _mine: httpx.Client, person: Person) -> None:
    team.client.patch(f"/users/{person.id}", json={"role": "ROLE_MEMBER"}).raise_for_status()


@pytest.mark.parametrize("change", [logout, disable, delete, demote])
@pytest.mark.parametrize("saved", [True, False], ids=["run", "try"])
def test_a_run_on_demand_ends_at_once_with_the_right_to_it(
    stack: Stack, team: Team, change: Callable[[Team, httpx.Client, Person], None], *, saved: bool
) -> None:
    person = team.person("admin")
    with stack.rest() as client, socket.create_server(("127.0.0.1", free_port())) as silent:
        client.headers.update(bearer(person.token))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        if saved:
            service = team.service()
            check = team.check(service, url, interval="3600s", timeout="30s")
            path, body = f"/services/{service}/checks/{check}:run", dict[str, Any]()
        else:
            draft = {"name": "x", "http": {"url": url}, "interval": "60s", "timeout": "30s"}
            path, body = "/checks:try", {"check": draft}
        with client.stream("POST", path, json=body) as answer:
            lines = answer.iter_lines()
            assert json.loads(next(lines))["phase"]["phase"] == "PHASE_CONNECT"
            change(team, client, person)
            *_, last = lines  # without the change it would be a result, by its timeout
            assert json.loads(last) == {"end": {"reason": "STREAM_END_REASON_SESSION_ENDED", "cursor": ""}}


def test_a_new_role_counts_everywhere_at_once_for_tokens_that_carry_the_old_one(
    stack: Stack, team: Team, target: Target
) -> None:
    person = team.person("admin")
    service = team.service()
    check = team.check(service, target.url, interval="3600s")
    writes = {
        "/users:invite": {"email": "x@acme.test", "role": "ROLE_VIEWER"},
        f"/services/{service}/checks": {"name": ""},
        f"/services/{service}/checks/{check}:run": {},
    }
    with stack.rest() as client:
        client.headers.update(bearer(person.token))

        def refused() -> list[bool]:
            return [client.post(path, json=body).status_code == 403 for path, body in writes.items()]

        assert refused() == [False] * 3
        team.client.patch(f"/users/{person.id}", json={"role": "ROLE_MEMBER"}).raise_for_status()
        soon(lambda: all(refused()))
        assert client.get("/auth/me").json()["user"]["role"] == "ROLE_MEMBER"
        team.client.patch(f"/users/{person.id}", json={"role": "ROLE_ADMIN"}).raise_for_status()
        soon(lambda: not any(refused()))


def test_a_deleted_api_key_is_refused_everywhere_at_once(stack: Stack, team: Team) -> None:
    made = team.api_key("admin")
    with stack.rest() as client:
        client.headers.update(bearer(made["key"]))
        all_answer(client, (200, ""))
        with open_stream(client) as end:
            team.client.delete(f"/api-keys/{made['apiKey']['id']}").raise_for_status()
            all_answer(client, (401, "TOKEN_INVALID"))
            assert end() == "STREAM_END_REASON_SESSION_ENDED"


# What the operator does by command


def command(stack: Stack, *words: str) -> str:
    """What a command says."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words],
        cwd=ROOT,
        env={"SENTINEL_DATA_DIR": str(stack.data_dir), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_suspended_tenant_is_refused_with_the_reason_and_its_checks_pause(
    stack: Stack, team: Team, other_team: Team, target: Target
) -> None:
    born, service = datetime.now(UTC), team.service()
    team.check(service, target.url)
    other_team.check(other_team.service(), target.url)
    key = team.api_key("viewer")["key"]
    until(lambda: team.status(service)["state"] == "SERVICE_STATE_UP")
    cursor = next(team.stream())["heartbeat"]["cursor"]
    with stack.rest() as machine, open_stream(team.client) as end:
        machine.headers.update(bearer(key))
        command(stack, "suspend-tenant", team.slug, "--reason", "not paid since May")
        suspended = datetime.now(UTC)
        for client in (team.client, machine):
            all_answer(client, (403, "TENANT_SUSPENDED"))
        assert end() == "STREAM_END_REASON_SESSION_ENDED"
        assert "not paid since May" in team.client.get("/services").json()["message"]
        credentials = {name: value for name, value in registration(team.slug).items() if name != "tenantName"}
        assert reason(machine.post("/auth/login", json=credentials)) == "TENANT_SUSPENDED"
        for _ in islice(other_team.results(), 3):  # others go on; by their pace at least two slots of ours go by
            pass
        resumed = datetime.now(UTC)
        command(stack, "resume-tenant", team.slug)
        for client in (team.client, machine):
            all_answer(client, (200, ""))
    told = []
    for result in team.results(f"?cursor={cursor}"):
        told.append((datetime.fromisoformat(result["result"]["slotTime"]), result["result"]["outcome"]))
        if told[-1][0] > resumed:
            break
    # Nobody was to look meanwhile: no slot was probed, and none is missing.
    assert {outcome for _, outcome in told} == {"OUTCOME_UP"}
    assert len([slot for slot, _ in told if suspended < slot < resumed]) <= 1  # the worker has to hear of it first
    # Nor is the time of it anybody's: the check's life is what is left.
    uptime = team.status(service)["uptime"][0]
    life = sum(float(uptime[part].removesuffix("s")) for part in ("up", "down", "unknown"))
    age = datetime.fromisoformat(uptime["endTime"]) - born
    assert life <= (age - (resumed - suspended)).total_seconds()


@pytest.mark.slow
def test_the_signing_key_changes_without_a_failed_call(short_folder: Path, template: Path) -> None:
    stack = Stack(data_dir=short_folder / "rotation", template=template)
    stack.start()
    try:
        with Team(stack) as team:
            client, tokens = team.client, team.tokens

            def kid_now() -> str:
                """The key that signs now; neither its tokens nor those before them are refused anywhere."""
                all_answer(client, (200, ""))
                nonlocal tokens
                tokens = client.post("/auth/refresh", json={"refreshToken": tokens["refreshToken"]}).json()["tokens"]
                client.headers.update(bearer(tokens["accessToken"]))
                assert [answer_to(client, path) for path in READS] == [(200, "")] * len(READS)
                return str(jwt.get_unverified_header(tokens["accessToken"])["kid"])

            first = kid_now()
            command(stack, "rotate-keys")
            until(lambda: kid_now() != first)
            second = kid_now()
            with stack.rest() as anybody:
                keys = anybody.get("/.well-known/jwks.json").json()["keys"]
            assert {key["kid"] for key in keys} == {first, second}
            client.headers.update(bearer(team.tokens["accessToken"]))  # what the first key signed is good until it ends
            assert answer_to(client, "/services") == (200, "")

            client.headers.update(bearer(tokens["accessToken"]))
            command(stack, "rotate-keys", "--revoke")
            all_answer(client, (401, "TOKEN_INVALID"))
            client.headers.pop("authorization")
            tokens = client.post("/auth/refresh", json={"refreshToken": tokens["refreshToken"]}).json()["tokens"]
            client.headers.update(bearer(tokens["accessToken"]))
            assert kid_now() not in {first, second}
    finally:
        stack.stop()
