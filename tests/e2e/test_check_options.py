"""What a check may ask of TLS and of the body, from REST to a probe and back in its result."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.stack import Team
from tests.support.targets import Authority


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — as the base class has it
        """Say nothing."""


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def secure_port(authority: Authority) -> Iterator[int]:
    """An https target with a certificate for shop.test."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", free_port()), _Page)
    server.socket = authority.server("shop.test").wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def run(team: Team, service: str, http: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make a check and run it: the check as it is read back, and the result."""
    made = team.client.post(f"/services/{service}/checks", json={"name": json.dumps(http)[-90:-9], "http": http})
    check = made.json()["check"]
    read = team.client.get(f"/services/{service}/checks/{check['id']}").json()["check"]
    answer = team.client.post(f"/services/{service}/checks/{check['id']}:run", json={})
    results = [json.loads(line) for line in answer.text.splitlines()]
    return read, next(event["result"] for event in results if "result" in event)


def test_tls_options_and_a_text_in_the_body_reach_the_probe(team: Team, secure_port: int, authority: Authority) -> None:
    service = team.service()
    tls = {"skipVerify": False, "caCertificates": authority.pem, "serverName": "shop.test"}
    asked = {"url": f"https://127.0.0.1:{secure_port}/", "tls": tls, "bodyContains": "ell"}
    read, result = run(team, service, asked)

    assert {name: read["http"][name] for name in asked} == asked
    assert result["outcome"] == "OUTCOME_UP"
    assert result["tlsVersion"] == "1.3"
    assert "tls" in result["phases"]

    _, missing = run(team, service, {**asked, "bodyContains": "another"})
    assert (missing["outcome"], missing["errorKind"]) == ("OUTCOME_DOWN", "ERROR_KIND_ASSERTION")

    _, strange = run(team, service, {"url": asked["url"]})
    assert (strange["outcome"], strange["errorKind"]) == ("OUTCOME_DOWN", "ERROR_KIND_TLS")

    _, skipped = run(team, service, {"url": asked["url"], "tls": {"skipVerify": True}})
    assert skipped["outcome"] == "OUTCOME_UP"
    assert "tlsExpireTime" in skipped


def test_a_check_without_options_has_none(team: Team) -> None:
    service = team.service()
    check = team.client.post(
        f"/services/{service}/checks", json={"name": "plain", "http": {"url": "http://127.0.0.1/"}}
    ).json()["check"]

    assert check["http"]["bodyContains"] == ""
    assert check["http"].get("tls") is None


def test_how_many_redirects_are_followed_and_what_is_compared_as_text_come_back_and_are_changed(team: Team) -> None:
    service = team.service()
    texts = [
        {"jsonPath": {"path": "$.id", "equalsText": "12345678901234567"}, "onlySlow": False},
        {"status": {"codes": [101, 999], "ranges": []}, "onlySlow": False},
    ]
    asked = {"url": "http://127.0.0.1/", "maxRedirects": 10, "assertions": texts}
    made = team.client.post(f"/services/{service}/checks", json={"name": "api", "http": asked}).json()["check"]
    path = f"/services/{service}/checks/{made['id']}"

    assert {name: made["http"][name] for name in asked} == asked
    assert made["http"]["followRedirects"] is True
    changed = team.client.patch(path, params={"updateMask": "http.max_redirects"}, json={"http": {"maxRedirects": 0}})
    assert changed.status_code == 200, changed.text
    read = team.client.get(path).json()["check"]["http"]
    assert (read["maxRedirects"], read["followRedirects"], read["assertions"]) == (0, True, texts)

    plain = team.client.post(f"/services/{service}/checks", json={"name": "plain", "http": {"url": asked["url"]}})
    assert plain.json()["check"]["http"]["maxRedirects"] == 5
