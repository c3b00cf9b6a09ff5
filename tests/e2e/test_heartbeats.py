"""Heartbeats through Envoy: the verdicts on signals, silence and failures, and tokens (docs/checks.md)."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from sentinel.probe.v1 import probe_service_pb2
from sentinel.probe.v1.probe_service_pb2_grpc import ProbeServiceStub

from tests.support.stack import Stack, Team, fields, grpc_channel, reason, until


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
    assert team.status(service)["checks"][0]["stateReason"] == "no signal yet; expected every 5 s, grace period 1 s"

    answer = job.post(f"/heartbeat/{token}")
    assert (answer.status_code, answer.json()) == (200, {})
    passed = next(results)["result"]
    assert passed["outcome"] == "OUTCOME_UP"
    assert {"total", "resolvedIp", "statusCode"} & {name for name, value in passed.items() if value} == set()
    until(lambda: team.status(service)["state"] == "SERVICE_STATE_UP")

    silent = next(each["result"] for each in results if each["result"]["outcome"] != "OUTCOME_UP")
    assert (silent["outcome"], silent["errorKind"]) == ("OUTCOME_DOWN", "ERROR_KIND_HEARTBEAT_OVERDUE")
    assert silent["errorMessage"].startswith("no signal for ")
    until(lambda: the_incident(team, service))
    incident = the_incident(team, service)
    assert (incident["state"], incident["startTime"]) == ("INCIDENT_STATE_OPEN", silent["slotTime"])

    assert job.get(f"/v1/heartbeat/{token}/0").status_code == 200
    assert next(results)["result"]["outcome"] == "OUTCOME_UP"
    until(lambda: the_incident(team, service)["state"] == "INCIDENT_STATE_RESOLVED")
    results.close()
    overall = team.client.get(f"/services/{service}/uptime?window=24h&bucket=1h").json()["overall"]
    assert (int(overall["upSlots"]) >= 2, int(overall["downSlots"]) >= 1) == (True, True)
    assert "latency" not in overall  # nobody was asked, so nobody took any time


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("fail", "reported a failure"),
        ("3", "reported a failure with exit code 3"),
        ("256", "reported a failure with exit code 256"),
        ("-1073741510", "reported a failure with exit code -1073741510"),
        ("3221225786", "reported a failure with exit code 3221225786"),
    ],
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
    outside = ("4294967296", "-2147483649", "ok", "FAIL", "1.0", "0x1", "+1", "--1", "")
    for wrong, field in (("0" * 201, "token"), *((f"{token}/{result}", "result") for result in outside if result)):
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


def ends(team: Team, service: str, check: str) -> tuple[str, str]:
    """What a run on demand says of a heartbeat: outcome and message."""
    answer = team.client.post(f"/services/{service}/checks/{check}:run", json={})
    (told,) = [each["result"] for each in map(httpx_json, answer.text.splitlines()) if "result" in each]
    return told["outcome"].removeprefix("OUTCOME_"), told["errorMessage"]


_BODIES: list[tuple[bytes, dict[str, str]]] = [
    (b"", {}),
    (b"", {"content-type": "application/json"}),
    (b"backup done", {}),
    (b"backup done", {"content-type": "text/plain; charset=utf-8"}),
    (b"x=1&y=%zz", {"content-type": "application/x-www-form-urlencoded"}),
    (
        b'--b\r\ncontent-disposition: form-data; name="log"\r\n\r\nx\r\n--b--\r\n',
        {"content-type": "multipart/form-data; boundary=b"},
    ),
    (b'{"msg": "ok"}', {"content-type": "application/json"}),
    (b'{"token": "other", "result": "fail"}', {"content-type": "application/json"}),
    (b"{broken", {"content-type": "application/json"}),
    (b"\xff\0\xfe", {"content-type": "application/octet-stream"}),
    (b"\0\0\0\0\0", {"content-type": "application/grpc"}),
    (b"AAAAAAA=", {"content-type": "application/grpc-web-text"}),
    (b"\x1f\x8bnone", {"content-encoding": "gzip"}),
    (b"x" * 1_000_000, {"content-type": "text/plain"}),
]
_QUERIES = [
    "", "?", "?ts=1", "?status=up&msg=OK&ping=", "?result=fail", "?token=other&token=more", "?msg=100%", "?a=%zz&b=%00",
    "?%FF%FE", "?url=http://a/b?c=d", "?a/../b//c%2Fd",
]  # fmt: skip


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
def test_a_signal_may_have_any_body_and_any_type(team: Team, job: httpx.Client, method: str) -> None:
    service = team.service("Nightly")
    check, token = team.heartbeat(service, interval="3600s")
    for body, headers in _BODIES:
        assert job.request(method, f"/heartbeat/{token}/7").status_code == 200
        answer = job.request(method, f"/heartbeat/{token}", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {}), (body[:40], headers)
    assert ends(team, service, check) == ("UP", "")

    def pieces() -> Iterator[bytes]:
        yield from (b"log", b" in ", b"pieces")

    assert job.request(method, f"/v1/heartbeat/{token}/9", content=pieces()).status_code == 200
    assert ends(team, service, check)[1].endswith("exit code 9")


def test_a_signals_body_is_bounded_as_every_body_is(team: Team, job: httpx.Client) -> None:
    _, token = team.heartbeat(team.service("Nightly"), interval="3600s")
    answer = job.post(f"/heartbeat/{token}", content=b"x" * 1_200_000)
    assert (answer.status_code, reason(answer)) == (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize("query", _QUERIES)
def test_a_signal_may_have_any_query(team: Team, job: httpx.Client, query: str) -> None:
    """As it is written: httpx would encode it."""
    service = team.service("Nightly")
    check, token = team.heartbeat(service, interval="3600s")
    for path in (f"/heartbeat/{token}/5", f"/v1/heartbeat/{token}", f"/heartbeat/{token}/"):
        status, _, _ = raw(team.stack, f"GET {path}{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        assert status == b"HTTP/1.1 200 OK", path
    assert ends(team, service, check) == ("UP", "")


def raw(stack: Stack, request: bytes) -> tuple[bytes, bytes, bytes]:
    """Send bytes; return the status line, the headers and the body that came until the connection was closed."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=30) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, _, headers = head.partition(b"\r\n")
    return status, headers, body


@pytest.mark.parametrize(
    "request_of",
    [
        lambda path: f"GET {path} HTTP/1.0\r\n\r\n",
        lambda path: f"HEAD {path}?ts=1 HTTP/1.0\r\n\r\n",
        lambda path: f"GET {path} HTTP/1.0\r\nHost: a\r\nUser-Agent: Wget/1.10\r\nConnection: close\r\n\r\n",
        lambda path: f"POST {path} HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\n\r\nok",
        lambda path: f"GET http://a{path} HTTP/1.0\r\n\r\n",
        lambda path: f"HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ],
)
def test_a_signal_may_come_by_http_1_0_or_as_head(team: Team, request_of: Callable[[str], str]) -> None:
    service = team.service("Nightly")
    check, token = team.heartbeat(service, interval="3600s")
    status, _, body = raw(team.stack, request_of(f"/heartbeat/{token}").encode())

    assert status.split()[1:] == [b"200", b"OK"]
    assert body in (b"", b"{}")
    assert ends(team, service, check) == ("UP", "")


def test_other_methods_are_refused_and_say_which_are_taken(team: Team, job: httpx.Client) -> None:
    _, token = team.heartbeat(team.service("Nightly"), interval="3600s")
    for path in (f"/heartbeat/{token}", f"/heartbeat/{token}/1?x=1", f"/v1/heartbeat/{token}"):
        answer = job.delete(path)
        assert (answer.status_code, reason(answer)) == (405, "METHOD_UNKNOWN")
        assert answer.headers["allow"] == "GET, HEAD, PATCH, POST, PUT"
    asked = {"origin": "https://a.test", "access-control-request-method": "PUT"}
    answer = job.options(f"/heartbeat/{token}", headers=asked)
    assert (answer.status_code, "PUT" in answer.headers["access-control-allow-methods"]) == (200, True)


def test_a_failure_that_a_success_follows_in_the_same_slot_is_in_the_results(team: Team, job: httpx.Client) -> None:
    service = team.service("Nightly")
    check, token = team.heartbeat(service, interval="5s", heartbeat={"grace": "3600s"})
    results = team.results(f"?checkId={check}")
    next(results)  # the slot of before is over
    for result in ("7", "0"):
        assert job.post(f"/heartbeat/{token}/{result}").status_code == 200
    assert ends(team, service, check) == ("UP", "")  # as it is now

    told = [next(results)["result"] for _ in range(3)]
    results.close()
    failed = [each for each in told if each["errorKind"] == "ERROR_KIND_HEARTBEAT_FAILED"]
    assert len(failed) >= 1
    assert failed[0]["errorMessage"].endswith("ago reported a failure with exit code 7, followed by a success")
    assert told[-1]["outcome"] == "OUTCOME_UP"


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
        ({"heartbeat": {}, "retryDelay": "1s"}, "check.retry_delay"),
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
