"""Assertions through Envoy: saved, run, reported in stream and history; tried unsaved; evaluated on a response."""

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.stack import Team, fields, reason, until

ASSERTIONS: list[dict[str, Any]] = [
    {"status": {"ranges": ["200-299"]}},
    {"bodyContains": "ok"},
    {"jsonPath": {"path": "$.status", "equals": "ok"}},
    {"jsonPath": {"path": "$.error", "equals": None}},
    {"jsonPath": {"path": "$.checks[*].latency", "lessThan": 100}},
    {"header": {"name": "Content-Type", "contains": "json"}},
    {"maxTotalTime": "2s"},
    {"maxPhaseTime": {"phase": "TIMED_PHASE_TTFB", "limit": "0.000001s"}, "onlySlow": True},
]


class _Api(http.server.BaseHTTPRequestHandler):
    body = b'{"status": "ok", "error": null, "checks": [{"latency": 7}, {"latency": 12.5}]}'

    def do_GET(self) -> None:
        body = type(self).body
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — as the base class has it
        """Say nothing."""


class _BrokenApi(_Api):
    body = b'{"status": "down", "error": "no disk", "checks": []}'


@pytest.fixture(scope="module")
def targets() -> Iterator[tuple[str, str]]:
    """An API that is well, and one that is not."""
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), kind) for kind in (_Api, _BrokenApi)]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    yield (f"http://127.0.0.1:{servers[0].server_address[1]}/", f"http://127.0.0.1:{servers[1].server_address[1]}/")
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def api(url: str, assertions: list[dict[str, Any]] = ASSERTIONS) -> dict[str, Any]:
    """The check."""
    return {"name": "api", "http": {"url": url, "assertions": assertions}, "interval": "5s", "timeout": "4s"}


def events(team: Team, path: str, **body: Any) -> list[dict[str, Any]]:
    """The messages of a run."""
    answer = team.client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def told(events: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The one event of a kind."""
    (found,) = [event[kind] for event in events if kind in event]
    return dict(found)


def test_they_come_back_as_they_were_saved_and_a_wrong_one_is_named(team: Team, targets: tuple[str, str]) -> None:
    service = team.service()
    check = team.post(f"/services/{service}/checks", **api(targets[0]))["check"]
    read = team.client.get(f"/services/{service}/checks/{check['id']}").json()["check"]["http"]["assertions"]
    assert [next(key for key in each if key != "onlySlow") for each in read] == [
        next(iter(each)) for each in ASSERTIONS
    ]
    assert read[3]["jsonPath"] == {"path": "$.error", "equals": None}
    assert read[4]["jsonPath"] == {"path": "$.checks[*].latency", "lessThan": 100}

    wrong = api(targets[0], [{"bodyContains": "ok"}, {"bodyMatches": "("}])
    for path, body in ((f"/services/{service}/checks", wrong), ("/checks:try", {"check": wrong})):
        answer = team.client.post(path, json=body)
        assert (answer.status_code, fields(answer)) == (400, ["check.http.assertions[1].body_matches"])


def test_a_run_shows_what_was_learned_and_what_each_came_to(team: Team, targets: tuple[str, str]) -> None:
    service = team.service()
    check = team.post(f"/services/{service}/checks", **api(targets[1]))["check"]
    run = events(team, f"/services/{service}/checks/{check['id']}:run")

    facts, result = told(run, "facts"), told(run, "result")
    assert [each["status"].removeprefix("ASSERTION_STATUS_") for each in facts["assertions"]] == [
        "PASSED", "FAILED", "FAILED", "FAILED", "FAILED", "PASSED", "PASSED", "FAILED",
    ]  # fmt: skip
    assert facts["bodyPreview"] == _BrokenApi.body.decode()
    assert {"name": "content-type", "value": "application/json"} in facts["headers"]
    assert (result["outcome"], result["errorKind"], result["slow"]) == ("OUTCOME_DOWN", "ERROR_KIND_ASSERTION", False)
    assert [(each["index"], each["expected"], each["actual"]) for each in result["failedAssertions"]][1:3] == [
        (2, 'equals "ok"', '"down"'),
        (3, "equals null", '"no disk"'),
    ]


def test_slots_tell_them_in_the_stream_and_in_the_history(team: Team, targets: tuple[str, str]) -> None:
    service = team.service()
    slow = team.post(f"/services/{service}/checks", **api(targets[0]))["check"]["id"]
    worse = {**api(targets[1]), "name": "broken", "failureThreshold": 1}
    broken = team.post(f"/services/{service}/checks", **worse)["check"]["id"]
    seen: dict[str, dict[str, Any]] = {}
    for event in team.results(f"?serviceId={service}"):
        seen[event["result"]["checkId"]] = event["result"]
        if len(seen) == 2:
            break

    assert (seen[slow]["outcome"], seen[slow]["slow"]) == ("OUTCOME_UP", True)
    assert [each["onlySlow"] for each in seen[slow]["failedAssertions"]] == [True]
    assert (seen[broken]["outcome"], seen[broken]["slow"]) == ("OUTCOME_DOWN", False)
    assert [each["index"] for each in seen[broken]["failedAssertions"]] == [1, 2, 3, 4, 7]
    history = team.client.get(f"/services/{service}/checks/{broken}/results").json()["results"]
    assert history[-1]["failedAssertions"] == seen[broken]["failedAssertions"]
    (incident,) = team.client.get(f"/incidents?serviceId={service}").json()["incidents"]
    assert incident["startTime"] == seen[broken]["slotTime"]
    assert incident["failedAssertions"] == seen[broken]["failedAssertions"]
    latest = team.status(service)["uptime"][0]
    assert latest["slowSlots"] == latest["upSlots"] != "0"
    assert latest["slowRatio"] == 1
    before = team.status(team.service())["uptime"][0]
    assert (before["slowSlots"], "slowRatio" in before) == ("0", False)


def test_an_unsaved_check_is_tried_and_leaves_nothing(team: Team, targets: tuple[str, str]) -> None:
    run = events(team, "/checks:try", check=api(targets[0]))

    assert [event["phase"]["phase"] for event in run if "phase" in event] == [
        "PHASE_CONNECT", "PHASE_TTFB", "PHASE_TRANSFER",
    ]  # fmt: skip
    assert told(run, "facts")["assertions"][2] == {
        "index": 2, "subject": "json_path $.status", "status": "ASSERTION_STATUS_PASSED", "expected": 'equals "ok"',
        "actual": '"ok"', "onlySlow": False,
    }  # fmt: skip
    result = told(run, "result")
    assert (result["outcome"], result["slow"], result["checkId"]) == ("OUTCOME_UP", True, "")
    assert told(run, "end") == {"reason": "STREAM_END_REASON_COMPLETE", "cursor": ""}
    assert team.client.get("/services").json()["totalSize"] == 0


def test_assertions_are_evaluated_on_an_answer_at_hand_and_on_a_recorded_one(
    team: Team, targets: tuple[str, str]
) -> None:
    given = {"statusCode": 200, "headers": [{"name": "content-type", "value": "text/json"}], "body": _Api.body.decode()}
    answer = team.post("/checks:evaluate", assertions=ASSERTIONS, given=given)
    assert [each["status"].removeprefix("ASSERTION_STATUS_") for each in answer["outcomes"]] == [
        "PASSED", "PASSED", "PASSED", "PASSED", "PASSED", "PASSED", "UNKNOWN", "UNKNOWN",
    ]  # fmt: skip
    assert answer["outcome"] == "OUTCOME_UNSPECIFIED"  # how long it took is not known
    assert team.post("/checks:evaluate", assertions=ASSERTIONS[:6], given=given)["outcome"] == "OUTCOME_UP"

    service = team.service()
    check = team.post(f"/services/{service}/checks", **api(targets[0]))["check"]["id"]
    path = f"/services/{service}/checks/{check}/results"
    until(lambda: bool(team.client.get(path).json()["results"]))
    result = team.client.get(path).json()["results"][-1]
    recorded = {"serviceId": service, "checkId": check, "slotTime": result["slotTime"]}
    wanted = [{"status": {"codes": [201]}}, {"bodyContains": "x"}]
    answer = team.post("/checks:evaluate", assertions=wanted, recorded=recorded)
    assert [(each["status"], each["actual"]) for each in answer["outcomes"]] == [
        ("ASSERTION_STATUS_FAILED", "200"),
        ("ASSERTION_STATUS_UNKNOWN", ""),
    ]
    assert answer["outcome"] == "OUTCOME_DOWN"

    absent = team.client.post(
        "/checks:evaluate", json={"assertions": wanted, "recorded": {**recorded, "slotTime": "2020-01-01T00:00:00Z"}}
    )
    assert (absent.status_code, reason(absent)) == (404, "RESULT_NOT_FOUND")
    bad = team.client.post("/checks:evaluate", json={"assertions": [{"bodyMatches": "("}], "given": given})
    assert fields(bad) == ["assertions[0].body_matches"]
    assert team.client.post("/checks:evaluate", json={"assertions": wanted}).status_code == 400
