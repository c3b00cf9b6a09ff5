"""Bad input gets a clear, typed error that names the field."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.stack import Stack, Team, fields, reason, registration

CHECK: dict[str, Any] = {"name": "home", "http": {"url": "https://example.com"}, "interval": "10s", "timeout": "5s"}
GRPC = {"address": "api.test:443", "tls": True}
LONG = "x" * 3000
URL = "https://example.com"


@pytest.mark.parametrize(
    "body", ["{", "[]", "null null", '{"name": {}}', '{"name": 5, "labels": 7}', '{"labels": {"a": []}}', "\x00"]
)
def test_what_is_no_json_of_the_route_is_malformed(lasting_team: Team, body: str) -> None:
    answer = lasting_team.client.post("/services", content=body)

    assert (answer.status_code, reason(answer)) == (400, "REQUEST_MALFORMED")


@pytest.mark.parametrize("path", ["/services?text=%ff", "/services/%ff", "/heartbeat/%ff", "/heartbeat/a/%ed%a0%80"])
def test_a_path_or_query_that_is_no_utf_8_is_malformed(lasting_team: Team, path: str) -> None:
    answer = lasting_team.client.get(path)

    assert (answer.status_code, reason(answer)) == (400, "REQUEST_MALFORMED")
    assert answer.headers["x-request-id"] in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "/services?text=%00", None, "text"),
        ("GET", "/services?labels=%00", None, "labels[0]"),
        ("POST", "/services", {"name": "a\0"}, "name"),
        ("POST", "/services", {"name": "a", "labels": {"a": "\0"}}, "labels['a']"),
        ("POST", "/auth/login", {"tenantSlug": "a\0"}, "tenant_slug"),
        ("POST", "/auth/register", registration("team") | {"tenantName": "\0"}, "tenant_name"),
    ],
)
def test_u_0000_is_refused_by_the_fields_name(
    lasting_team: Team, method: str, path: str, body: dict[str, Any] | None, field: str
) -> None:
    answer = lasting_team.client.request(method, path, json=body)

    assert (answer.status_code, reason(answer), fields(answer)) == (400, "FIELD_INVALID", [field])


@pytest.mark.parametrize("query", ["?foo=1", "?pageSize=many", "?pageSize=1&bar="])
def test_unknown_and_mistyped_query_parameters_are_malformed(lasting_team: Team, query: str) -> None:
    answer = lasting_team.client.get(f"/services{query}")

    assert (answer.status_code, reason(answer)) == (400, "REQUEST_MALFORMED")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "check.name"),
        ({"name": " padded "}, "check.name"),
        ({"name": LONG}, "check.name"),
        ({"http": None}, "check.kind"),
        ({"http": {}}, "check.http.url"),
        ({"http": {"url": "ftp://example.com"}}, "check.http.url"),
        ({"http": {"url": "javascript:alert(1)"}}, "check.http.url"),
        ({"http": {"url": "https://user:secret@example.com"}}, "check.http.url"),
        ({"http": {"url": "https://"}}, "check.http.url"),
        ({"http": {"url": "https:///path"}}, "check.http.url"),
        ({"http": {"url": "https://example.com:99999"}}, "check.http.url"),
        ({"http": {"url": "https://exa mple.com"}}, "check.http.url"),
        ({"http": {"url": "https://example.com/\r\nx: y"}}, "check.http.url"),
        ({"http": {"url": "https://" + "a" * 3000}}, "check.http.url"),
        ({"http": {"url": URL, "bodyContains": "ü" * 513}}, "check.http.body_contains"),
        ({"http": {"url": URL, "tls": {"caCertificates": "no PEM"}}}, "check.http.tls.ca_certificates"),
        ({"http": {"url": URL, "tls": {"caCertificates": "a" * 65_537}}}, "check.http.tls.ca_certificates"),
        ({"http": {"url": URL, "tls": {"serverName": "no name"}}}, "check.http.tls.server_name"),
        ({"http": {"url": "https://example.com", "method": "CONNECT"}}, "check.http.method"),
        ({"http": {"url": "https://example.com", "headers": {"Content-Length": "5"}}}, "check.http.headers"),
        ({"http": {"url": "https://example.com", "headers": {"x": "a\r\nb: c"}}}, "check.http.headers['x']"),
        ({"http": {"url": "https://example.com", "headers": {"a b": "c"}}}, "check.http.headers['a b']"),
        ({"http": {"url": "https://example.com", "expectedStatus": [99]}}, "check.http.expected_status[0]"),
        ({"http": {"url": "https://example.com", "expectedStatus": [102]}}, "check.http.expected_status[0]"),
        ({"http": {"url": "https://example.com", "maxRedirects": 11}}, "check.http.max_redirects"),
        ({"http": {"url": URL, "method": "HEAD", "bodyContains": "x"}}, "check.http.body_contains"),
        ({"http": {"url": "https://example.com", "body": "x" * 70000}}, "check.http.body"),
        ({"http": None, "tcp": {}}, "check.tcp.host"),
        ({"http": None, "tcp": {"host": "a.test"}}, "check.tcp.port"),
        ({"http": None, "tcp": {"host": "a.test", "port": 65_536}}, "check.tcp.port"),
        ({"http": None, "tcp": {"host": "tcp://a.test", "port": 1}}, "check.tcp.host"),
        ({"http": None, "tcp": {"host": "a.test:80", "port": 1}}, "check.tcp.host"),
        ({"http": None, "tcp": {"host": "a.test\r\nx", "port": 1}}, "check.tcp.host"),
        ({"http": None, "tcp": {"host": "-a.test", "port": 1}}, "check.tcp.host"),
        ({"http": None, "tcp": {"host": "a.test", "port": 1, "send": "ü" * 2_049}}, "check.tcp.send"),
        ({"http": None, "tcp": {"host": "a.test", "port": 1, "send": "\x00"}}, "check.tcp.send"),
        ({"http": None, "tcp": {"host": "a.test", "port": 1, "expect": "x" * 1_025}}, "check.tcp.expect"),
        ({"http": None, "tcp": {"host": "a.test", "port": 1, "expect": "\x00"}}, "check.tcp.expect"),
        ({"http": None, "tls": {"port": 443}}, "check.tls.host"),
        ({"http": None, "tls": {"host": "256.1.1.1", "port": 443}}, "check.tls.host"),
        ({"http": None, "tls": {"host": "a.test", "port": -1}}, "check.tls.port"),
        ({"http": None, "tls": {"host": "a.test", "port": 443, "minDaysLeft": -1}}, "check.tls.min_days_left"),
        ({"http": None, "tls": {"host": "a.test", "port": 443, "minDaysLeft": 3_651}}, "check.tls.min_days_left"),
        ({"http": None, "tls": {"host": "a.test", "port": 443, "startTls": 9}}, "check.tls.start_tls"),
        (
            {"http": None, "tls": {"host": "a.test", "port": 443, "caCertificates": "no PEM"}},
            "check.tls.ca_certificates",
        ),
        ({"http": None, "tls": {"host": "a.test", "port": 443, "serverName": "a b"}}, "check.tls.server_name"),
        ({"http": None, "dns": {"name": "acme.test"}}, "check.dns.type"),
        ({"http": None, "dns": {"name": "acme.test", "type": "ANY"}}, "check.dns.type"),
        ({"http": None, "dns": {"type": "A"}}, "check.dns.name"),
        ({"http": None, "dns": {"name": "a b.test", "type": "A"}}, "check.dns.name"),
        ({"http": None, "dns": {"name": "a..test", "type": "A"}}, "check.dns.name"),
        ({"http": None, "dns": {"name": "a.test", "type": "MX", "expected": ["mail"]}}, "check.dns.expected[0]"),
        ({"http": None, "dns": {"name": "a.test", "type": "TXT", "expected": ["a\nb"]}}, "check.dns.expected[0]"),
        ({"http": None, "dns": {"name": "a.test", "type": "A", "expected": ["1.2.3.4"] * 2}}, "check.dns.expected"),
        ({"http": None, "dns": {"name": "a.test", "type": "A", "server": "ns.test:0"}}, "check.dns.server"),
        ({"http": None, "grpc": {}}, "check.grpc.address"),
        ({"http": None, "grpc": {"address": "api.test"}}, "check.grpc.address"),
        ({"http": None, "grpc": {"address": "https://api.test:443"}}, "check.grpc.address"),
        ({"http": None, "grpc": {"address": "api.test:443", "service": "a b"}}, "check.grpc.service"),
        ({"http": None, "grpc": {"address": "api.test:443", "serverName": "a.test"}}, "check.grpc.server_name"),
        (
            {"http": None, "grpc": {"address": "api.test:443", "tls": True, "caCertificates": "no PEM"}},
            "check.grpc.ca_certificates",
        ),
        ({"interval": "4s"}, "check.interval"),
        ({"interval": "86401s"}, "check.interval"),
        ({"interval": "-10s"}, "check.interval"),
        ({"timeout": "10s"}, "check.timeout"),
        ({"timeout": "0s"}, "check.timeout"),
        ({"interval": None, "timeout": "60s"}, "check.timeout"),
        ({"failureThreshold": -1}, "check.failure_threshold"),
        ({"recoveryThreshold": 101}, "check.recovery_threshold"),
        ({"retries": 4}, "check.retries"),
    ],
)
def test_a_check_that_breaks_a_rule_is_refused_with_the_fields_name(
    lasting_team: Team, change: dict[str, Any], field: str
) -> None:
    body = {name: value for name, value in {**CHECK, **change}.items() if value is not None}
    answer = lasting_team.client.post(f"/services/{uuid4()}/checks", json=body)

    assert (answer.status_code, reason(answer)) == (400, "FIELD_INVALID")
    assert field in fields(answer)
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tenantName": ""}, "tenant_name"),
        ({"tenantSlug": "Not A Slug"}, "tenant_slug"),
        ({"tenantSlug": "-a"}, "tenant_slug"),
        ({"email": "nobody"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": LONG}, "password"),
    ],
)
def test_a_registration_that_breaks_a_rule_is_refused_with_the_fields_name(
    stack: Stack, change: dict[str, str], field: str
) -> None:
    with stack.rest() as client:
        answer = client.post("/auth/register", json={**registration("team"), **change})

    assert (answer.status_code, reason(answer), fields(answer)[:1]) == (400, "FIELD_INVALID", [field])


def test_an_oversized_body_is_refused(lasting_team: Team) -> None:
    answer = lasting_team.client.post("/services", json={"name": "x" * 2_000_000})

    assert (answer.status_code, reason(answer)) == (413, "REQUEST_TOO_LARGE")


def test_a_body_of_too_many_fields_is_refused_with_a_status_that_nobody_tries_again(lasting_team: Team) -> None:
    body = {"given": {"body": "x" * 70_000}, "assertions": [{}] * 5_001}
    answer = lasting_team.client.post("/checks:evaluate", json=body)

    assert (answer.status_code, reason(answer)) == (400, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize("path", ["/nothing", "/services/x/y/z", "/auth/login/extra"])
def test_an_unknown_route_is_not_found(lasting_team: Team, path: str) -> None:
    answer = lasting_team.client.get(path)

    assert (answer.status_code, reason(answer)) == (404, "ROUTE_UNKNOWN")


def test_page_sizes_and_tokens_are_checked(team: Team, other_team: Team) -> None:
    for name in ("a", "b", "c"):
        team.service(name)
    negative = team.client.get("/services?pageSize=-1")
    first = team.client.get("/services?pageSize=2").json()
    second = team.client.get(f"/services?pageSize=2&pageToken={first['nextPageToken']}").json()
    forged = team.client.get("/services?pageToken=abcd")
    carried = other_team.client.get(f"/services?pageToken={first['nextPageToken']}")

    assert (negative.status_code, fields(negative)) == (400, ["page_size"])
    assert [service["name"] for service in first["services"] + second["services"]] == ["a", "b", "c"]
    assert (first["totalSize"], second["nextPageToken"]) == (3, "")
    for answer in (forged, carried):
        assert (answer.status_code, reason(answer), fields(answer)) == (400, "PAGE_TOKEN_INVALID", ["page_token"])


def test_names_are_unique_where_they_should_be_and_a_request_id_makes_a_retry_harmless(
    team: Team, other_team: Team
) -> None:
    service = team.service("Shop")
    other_team.service("Shop")
    taken = team.client.post("/services", json={"name": "Shop"})
    slug = team.client.post("/auth/register", json=registration(team.slug))
    body = {"name": "Once", "requestId": str(uuid4())}
    once, again = (team.client.post("/services", json=body).json()["service"]["id"] for _ in range(2))
    team.client.post(f"/services/{service}/checks", json=CHECK).raise_for_status()
    check = team.client.post(f"/services/{service}/checks", json=CHECK)

    assert (taken.status_code, reason(taken)) == (409, "SERVICE_NAME_TAKEN")
    assert (slug.status_code, reason(slug)) == (409, "TENANT_SLUG_TAKEN")
    assert (check.status_code, reason(check)) == (409, "CHECK_NAME_TAKEN")
    assert once == again
