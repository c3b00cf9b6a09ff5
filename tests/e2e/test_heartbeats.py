"""A job that reports: signals through the door, and what silence, failures and tokens come to (docs/checks.md)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from sentinel.probe.v1 import probe_service_pb2
from sentinel.probe.v1.probe_service_pb2_grpc import ProbeServiceStub

from tests.e2e.stack import Stack, Team, fields, grpc_channel, reason, until


@pytest.fixture
def job(stack: Stack) -> Iterator[httpx.Client]:
    """A job, which signs in nowhere."""
    with stack.rest() as client:
        yield client


def the_incident(team: Team, service: str) -> dict[str, Any]:
    """The one incident of a service; empty while there is none."""
    incidents = team.client.get(f"/incidents?serviceId={service}").json()["incidents"]
    assert len(incidents) <= 1
    return next(iter(incidents), {})


def test_a_job_reports_falls_silent_and_reports_again(team: Team, job: httpx.Client) -> None:
    service = team.service("Nightly")
    check, token = team.heartbeat(service, heartbeat={"grace": "1s"})
    results = team.results(f"?checkId={check}")

    waiting = next(results)["result"]
    assert (waiting["outcome"], waiting["errorKind"]) == ("OUTCOME_ERROR", "ERROR_KIND_NO_SIGNAL_YET")
    assert team.status(service)["state"] == "SERVICE_STATE_UNKNOWN"
    assert team.status(service)["checks"][0]["stateReason"] == "no signal yet; one is due every 5 s, 1 s grace"

    answer = job.post(f"/heartbeat/{token}")
    assert (answer.status_code, answer.json()) == (200, {})
    passed = next(results)["result"]
    assert passed["outcome"] == "OUTCOME_UP"
    assert {"total", "resolvedIp", "statusCode"} & {name for name, value in passed.items() if value} == set()
    until(lambda: team.status(service)["state"] == "SERVICE_STATE_UP", 3)

    silent = next(each["result"] for each in results if each["result"]["outcome"] != "OUTCOME_UP")
    assert (silent["outcome"], silent["errorKind"]) == ("OUTCOME_DOWN", "ERROR_KIND_HEARTBEAT_OVERDUE")
    assert silent["errorMessage"].startswith("no signal for ")
    until(lambda: the_incident(team, service), 3)
    incident = the_incident(team, service)
    assert (incident["state"], incident["startTime"]) == ("INCIDENT_STATE_OPEN", silent["slotTime"])

    assert job.get(f"/v1/heartbeat/{token}/0").status_code == 200
    assert next(results)["result"]["outcome"] == "OUTCOME_UP"
    until(lambda: the_incident(team, service)["state"] == "INCIDENT_STATE_RESOLVED", 3)
    results.close()
    overall = team.client.get(f"/services/{service}/uptime?window=24h&bucket=1h").json()["overall"]
    assert (int(overall["upSlots"]) >= 2, int(overall["downSlots"]) >= 1) == (True, True)
    assert "latency" not in overall  # nobody was asked, so nobody took any time


@pytest.mark.parametrize(
    ("result", "words"),
    [("fail", "told of a failure"), ("3", "told of a failure with exit code 3")],
)
def test_a_failure_is_down_until_a_success(team: Team, job: httpx.Client, result: str, words: str) -> None:
    service = team.service("Nightly")
    check, token = team.heartbeat(service, interval="3600s")
    path = f"/services/{service}/checks/{check}:run"

    def run() -> dict[str, Any]:
        lines = team.client.post(path, json={}).text.splitlines()
        (told,) = [each["result"] for each in map(httpx_json, lines) if "result" in each]
        return dict(told)

    assert job.get(f"/heartbeat/{token}/{result}").status_code == 200
    failed = run()
    assert (failed["outcome"], failed["errorKind"]) == ("OUTCOME_DOWN", "ERROR_KIND_HEARTBEAT_FAILED")
    assert failed["errorMessage"].endswith(words)
    assert job.post(f"/heartbeat/{token}/0").status_code == 200
    assert run()["outcome"] == "OUTCOME_UP"


def httpx_json(line: str) -> dict[str, Any]:
    """A line of a stream."""
    return dict(httpx.Response(200, text=line).json())


def test_whatever_is_no_token_is_not_found_and_a_rotated_one_is_none(team: Team, job: httpx.Client) -> None:
    service = team.service("Nightly")
    check, token = team.heartbeat(service, interval="3600s")
    path = f"/services/{service}/checks/{check}"
    for wrong in ("x", token[:-1], token.upper(), "0" * 200, "%C3%A4", "a%20b"):
        answer = job.post(f"/heartbeat/{wrong}")
        assert (answer.status_code, reason(answer)) == (404, "HEARTBEAT_NOT_FOUND"), wrong
        assert wrong == "x" or wrong not in answer.text
    for wrong, field in (("0" * 201, "token"), (f"{token}/256", "result"), (f"{token}/ok", "result")):
        answer = job.get(f"/heartbeat/{wrong}")
        assert (answer.status_code, reason(answer), fields(answer)) == (400, "FIELD_INVALID", [field])

    rotated = team.post(f"{path}:rotateToken")["heartbeatToken"]
    assert job.post(f"/heartbeat/{token}").status_code == 404
    assert job.post(f"/heartbeat/{rotated}").status_code == 200
    entries = team.client.get("/audit").json()["auditEntries"]
    assert [entry["action"] for entry in entries[:2]] == ["check.rotate_token", "check.create"]
    for text in (team.client.get(path).text, team.client.get("/audit").text, team.stack.said()):
        assert token not in text
        assert rotated not in text
    assert team.client.delete(path).status_code == 200
    assert job.post(f"/heartbeat/{rotated}").status_code == 404

    http = team.check(service, "http://localhost:1/", interval="3600s")
    answer = team.client.post(f"/services/{service}/checks/{http}:rotateToken", json={})
    assert (answer.status_code, reason(answer)) == (400, "NOT_A_HEARTBEAT")


def test_a_signal_goes_as_grpc_too(stack: Stack, team: Team) -> None:
    _, token = team.heartbeat(team.service("Nightly"), interval="3600s")
    with grpc_channel(stack) as channel:
        stub = ProbeServiceStub(channel)
        stub.ReportHeartbeat(probe_service_pb2.ReportHeartbeatRequest(token=token, result="1"))
        with pytest.raises(grpc.RpcError) as refused:
            stub.ReportHeartbeat(probe_service_pb2.ReportHeartbeatRequest(token=token[1:]))
    error: Any = refused.value
    assert error.code() is grpc.StatusCode.NOT_FOUND


def test_a_signal_has_no_body(team: Team, job: httpx.Client) -> None:
    _, token = team.heartbeat(team.service("Nightly"), interval="3600s")
    for kind in ("application/x-www-form-urlencoded", "text/plain", "application/json"):  # as curl -d '' says
        headers = {"content-type": kind}
        assert job.post(f"/heartbeat/{token}", content=b"", headers=headers).status_code == 200
        answer = job.post(f"/heartbeat/{token}", content=b"backup done", headers=headers)
        assert (answer.status_code, reason(answer)) == (400, "REQUEST_MALFORMED")


def test_a_heartbeat_is_read_and_changed_as_it_was_given(team: Team) -> None:
    service = team.service("Nightly")
    check, _ = team.heartbeat(service, name="nightly", interval="86400s", heartbeat={"grace": "600s"})
    path = f"/services/{service}/checks/{check}"
    made = team.client.get(path).json()["check"]
    assert (made["heartbeat"], made["interval"], made["failureThreshold"]) == ({"grace": "600s"}, "86400s", 1)
    assert "timeout" not in made

    changed = made
    for body, wanted in (
        ({"interval": "604800s"}, ({"grace": "600s"}, "604800s")),
        ({"heartbeat": {"grace": "0s"}}, ({"grace": "0s"}, "604800s")),
        ({"name": "weekly"}, ({"grace": "0s"}, "604800s")),
    ):
        changed = team.client.patch(path, json=body).json()["check"]
        assert (changed["heartbeat"], changed["interval"]) == wanted
    unchanged = team.client.patch(path, json={"interval": "604800s"}).json()["check"]
    assert unchanged["etag"] == changed["etag"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"heartbeat": {"grace": "-1s"}}, "check.heartbeat.grace"),
        ({"heartbeat": {"grace": "2678401s"}}, "check.heartbeat.grace"),
        ({"heartbeat": {}, "interval": "2678401s"}, "check.interval"),
        ({"heartbeat": {}, "interval": "4s"}, "check.interval"),
        ({"heartbeat": {}, "timeout": "2s"}, "check.timeout"),
        ({"heartbeat": {}, "retries": 1}, "check.retries"),
        ({"http": {"url": "http://t.test/"}, "interval": "86401s"}, "check.interval"),
    ],
)
def test_what_makes_no_sense_is_named(team: Team, body: dict[str, Any], field: str) -> None:
    answer = team.client.post(f"/services/{team.service()}/checks", json={"name": "c", **body})

    assert (answer.status_code, reason(answer), fields(answer)) == (400, "FIELD_INVALID", [field])


def test_no_check_becomes_a_heartbeat_and_no_heartbeat_another_check(team: Team) -> None:
    service = team.service()
    http = team.check(service, "http://localhost:1/", interval="3600s")
    heartbeat, _ = team.heartbeat(service, interval="604800s")
    for check, body, field in (
        (http, {"heartbeat": {"grace": "1s"}}, "check.heartbeat"),
        (heartbeat, {"http": {"url": "http://localhost:1/"}}, "check.http"),
    ):
        answer = team.client.patch(f"/services/{service}/checks/{check}", json=body)
        assert (answer.status_code, fields(answer)) == (400, [field])


def test_a_repeated_request_makes_no_second_heartbeat_and_shows_no_token(team: Team) -> None:
    service = team.service()
    path = f"/services/{service}/checks?requestId=5f3c1f6e-0c5c-4e0b-9a53-3b8f5f4fd0a1"
    body = {"name": "nightly", "heartbeat": {}}
    first, second = (team.client.post(path, json=body).json() for _ in range(2))

    assert first["heartbeatToken"].startswith("sth_")
    assert (second["check"]["id"], second["heartbeatToken"]) == (first["check"]["id"], "")


def test_tokens_and_addresses_are_limited_and_no_token_is_logged(short_folder: Path, template: Path) -> None:
    limited = Stack(
        data_dir=short_folder / "signals",
        template=template,
        settings={
            "SENTINEL_HEARTBEAT_LIMIT_BURST": "100",
            "SENTINEL_HEARTBEAT_LIMIT_PER_MINUTE": "6",
            "SENTINEL_LOG_LEVEL": "debug",
        },
    )
    limited.start()  # beside the stack of the other tests
    try:
        with Team(limited) as team, limited.rest() as job:
            service = team.service()
            tokens = [team.heartbeat(service, interval="3600s")[1] for _ in range(2)]
            # More than a token's bucket wins back while the first 60 are sent.
            answers = [job.post(f"/heartbeat/{tokens[0]}") for _ in range(80)]
            of_the_token = [answer for answer in answers if answer.status_code == 429]
            assert {answer.status_code for answer in answers} == {200, 429}
            assert all(answer.status_code == 200 for answer in answers[:60])
            assert {reason(answer) for answer in of_the_token} == {"RATE_LIMITED"}
            assert of_the_token[0].headers["retry-after"] == "1"

            answers = [job.get(f"/heartbeat/{tokens[1]}") for _ in range(30)]
            assert all(answer.status_code == 200 for answer in answers[:20])
            of_the_address = answers[-1]
            assert (of_the_address.status_code, reason(of_the_address)) == (429, "RATE_LIMITED")
            assert of_the_address.headers["retry-after"] == "10"
            assert team.client.get("/services").status_code == 200
            assert "ReportHeartbeat" in limited.said()
            assert not [token for token in tokens if token in limited.said()]
    finally:
        limited.stop()
