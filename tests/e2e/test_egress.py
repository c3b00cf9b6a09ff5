"""What checks may not reach, as a tenant meets it."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.ports import free_port
from tests.support.stack import Team, fields, reason

INNER = "10.0.0.1"
INNER_CHECKS: list[tuple[str, dict[str, Any]]] = [
    ("check.http.url", {"http": {"url": f"http://{INNER}/"}}),
    ("check.http.url", {"http": {"url": "http://[::ffff:169.254.169.254]/latest/meta-data"}}),
    ("check.tcp.host", {"tcp": {"host": INNER, "port": 5432}}),
    ("check.tls.host", {"tls": {"host": "::1", "port": 443}}),
    ("check.grpc.address", {"grpc": {"address": f"{INNER}:443"}}),
    ("check.dns.server", {"dns": {"name": "acme.test", "type": "A", "server": f"{INNER}:53"}}),
]


@contextmanager
def redirecting(location: str) -> Iterator[int]:
    """The port of a target that sends everybody elsewhere."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("location", location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_check_of_an_inner_address_is_neither_saved_nor_tried(team: Team) -> None:
    service = team.service()
    for field, kind in INNER_CHECKS:
        check = {"name": "inner", **kind}
        for answer in (
            team.client.post(f"/services/{service}/checks", json=check),
            team.client.post("/checks:try", json={"check": check}),
        ):
            assert (answer.status_code, reason(answer), fields(answer)) == (400, "TARGET_BLOCKED", [field])
            assert "SENTINEL_EGRESS_ALLOW" in answer.json()["message"]

    assert team.client.get(f"/services/{service}/checks").json()["totalSize"] == 0


def test_a_service_whose_first_check_would_be_blocked_is_not_made(lasting_team: Team) -> None:
    answer = lasting_team.client.post("/services", json={"name": "inner", "url": f"https://{INNER}/"})

    assert (answer.status_code, reason(answer), fields(answer)) == (400, "TARGET_BLOCKED", ["url"])


def test_a_target_that_turns_out_blocked_is_an_error_without_an_incident_that_names_the_setting(team: Team) -> None:
    with redirecting("http://[::1]:1/") as port:
        service = team.service()
        check = team.check(service, f"http://127.0.0.1:{port}/", failureThreshold=1)
        result = next(team.results(f"?checkId={check}"))["result"]

    assert (result["outcome"], result["errorKind"]) == ("OUTCOME_ERROR", "ERROR_KIND_BLOCKED_TARGET")
    assert "SENTINEL_EGRESS_ALLOW" in result["errorMessage"]
    (status,) = team.status(service)["checks"]
    assert status["state"] == "CHECK_STATE_UNKNOWN"
    assert result["errorMessage"] in status["stateReason"]
    assert team.client.get(f"/incidents?serviceId={service}").json()["totalSize"] == 0
