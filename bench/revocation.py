"""The time until a revocation takes effect (docs/adr/0009): until all services refuse, and streams end."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from bench.report import Line, at_most
from tests.support.reads import all_answer, open_stream
from tests.support.stack import Stack, Team, bearer

_TIMES = 10
_MOST_S = 1.0


def measure(folder: Path) -> list[Line]:
    """Measure each kind of revocation."""
    stack = Stack(data_dir=folder / "revocation")
    stack.start()
    try:
        with Team(stack) as team:
            worst = {name: max(take(team) for _ in range(_TIMES)) for name, take in _TAKEN.items()}
    finally:
        stack.stop()
    return [at_most(f"{name}, worst of {_TIMES}", seconds, "s", _MOST_S) for name, seconds in worst.items()]


def _session(team: Team) -> float:
    """Log a user out."""
    token = team.person("viewer").token
    return _gone(team, token, lambda client: client.post("/auth/logout", json={}), "SESSION_ENDED")


def _key(team: Team) -> float:
    """Delete an API key."""
    made = team.api_key("viewer")
    path = f"/api-keys/{made['apiKey']['id']}"
    return _gone(team, made["key"], lambda _: team.client.delete(path), "TOKEN_INVALID")


def _user(team: Team) -> float:
    """Disable a user."""
    person = team.person("viewer")
    path = f"/users/{person.id}"
    return _gone(team, person.token, lambda _: team.client.patch(path, json={"disabled": True}), "SESSION_ENDED")


def _gone(team: Team, token: str, take: Callable[[httpx.Client], httpx.Response], reason: str) -> float:
    """Return seconds from a revocation's response until all services refuse the credential and its stream has ended."""
    with team.stack.rest() as client:
        client.headers.update(bearer(token))
        all_answer(client, (200, ""))
        with open_stream(client) as end:
            take(client).raise_for_status()
            begun = time.monotonic()
            all_answer(client, (401, reason))
            end()
            return time.monotonic() - begun


def _run(team: Team) -> float:
    """Log a user out during an on-demand run of a silent target."""
    with team.stack.rest() as client, socket.create_server(("127.0.0.1", 0)) as silent:
        client.headers.update(bearer(team.person("admin").token))
        http = {"url": f"http://127.0.0.1:{silent.getsockname()[1]}/"}
        draft = {"name": "x", "http": http, "interval": "60s", "timeout": "30s"}
        with client.stream("POST", "/checks:try", json={"check": draft}) as answer:
            lines = answer.iter_lines()
            next(lines)
            client.post("/auth/logout", json={}).raise_for_status()
            begun = time.monotonic()
            for _ in lines:
                pass
            return time.monotonic() - begun


_TAKEN = {
    "a session that ended is refused everywhere and its stream over": _session,
    "an API key that was deleted": _key,
    "a user who was disabled": _user,
    "a run on demand of a session that ended is over": _run,
}
