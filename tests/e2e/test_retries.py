"""Retries through Envoy: the pause is returned as it was saved, and results contain every attempt."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.stack import Team


class _Flaky(http.server.BaseHTTPRequestHandler):
    """Fails every second time that a path is asked for, the first time first."""

    count: dict[str, int] = {}  # noqa: RUF012 — the server makes an instance for each request

    def do_GET(self) -> None:
        self.count[self.path] = self.count.get(self.path, 0) + 1
        self.send_response(503 if self.count[self.path] % 2 else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — as the base class has it
        """Say nothing."""


@pytest.fixture(scope="module")
def flaky() -> Iterator[str]:
    """A target that fails every second time."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), _Flaky)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def of(url: str, **rest: Any) -> dict[str, Any]:
    return {"name": "flaky", "http": {"url": url}, "interval": "5s", "timeout": "4s", **rest}


def result_of(team: Team, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What a run on demand ends with."""
    answer = team.client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    (found,) = [event["result"] for event in map(json.loads, answer.text.splitlines()) if "result" in event]
    return dict(found)


ONCE = [{"errorKind": "ERROR_KIND_STATUS", "errorMessage": "status 503, expected 200 to 299", "statusCode": 503}]


def test_the_pause_comes_back_as_it_was_saved(team: Team, flaky: str) -> None:
    service = team.service()
    made = team.post(f"/services/{service}/checks", **of(f"{flaky}saved"))["check"]
    path = f"/services/{service}/checks/{made['id']}"
    assert (made["retries"], made["retryDelay"]) == (0, "0.250s")

    for given, shown in (("0s", "0s"), ("60s", "60s"), ("1.5s", "1.500s")):
        answer = team.client.patch(path, json={"retryDelay": given})
        assert (answer.status_code, answer.json()["check"]["retryDelay"]) == (200, shown), answer.text
        assert team.client.get(path).json()["check"]["retryDelay"] == shown
    kept = team.client.patch(path, json={"retries": 2}).json()["check"]
    assert (kept["retries"], kept["retryDelay"]) == (2, "1.500s")
    back = team.client.patch(f"{path}?updateMask=retryDelay", json={}).json()["check"]
    assert back["retryDelay"] == "0.250s"


def test_every_way_to_read_a_result_tells_of_failed_attempts(team: Team, flaky: str) -> None:
    service = team.service()
    retrying = {"retries": 1, "retryDelay": "0.01s"}
    tried = result_of(team, "/checks:try", {"check": of(f"{flaky}tried", **retrying)})
    assert (tried["outcome"], tried["attempt"], tried["failedAttempts"]) == ("OUTCOME_UP", 2, ONCE)

    check = team.post(f"/services/{service}/checks", **of(f"{flaky}scheduled", **retrying))["check"]["id"]
    streamed = next(event["result"] for event in team.results(f"?serviceId={service}"))
    assert (streamed["outcome"], streamed["attempt"], streamed["failedAttempts"]) == ("OUTCOME_UP", 2, ONCE)
    listed = team.client.get(f"/services/{service}/checks/{check}/results").json()["results"][-1]
    assert (listed["failedAttempts"], listed["skippedAttempts"]) == (ONCE, 0)

    team.client.patch(f"/services/{service}/checks/{check}", json={"http": {"url": f"{flaky}on-demand"}})
    run = result_of(team, f"/services/{service}/checks/{check}:run", {})
    assert len(run["failedAttempts"]) == run["attempt"] - 1


def test_a_result_says_how_many_attempts_did_not_fit(team: Team, flaky: str) -> None:
    result = result_of(team, "/checks:try", {"check": of(f"{flaky}late", retries=3, retryDelay="60s")})

    assert (result["outcome"], result["attempt"], result["skippedAttempts"]) == ("OUTCOME_DOWN", 1, 3)
    assert result["errorMessage"].endswith("no time left for 3 more attempts")
    assert result["failedAttempts"] == []
