"""Bad input gets a clear, typed error that names the field; another tenant's ids are not found."""

import base64
import json
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.descriptor import MethodDescriptor
from sentinel.monitor.v1 import monitor_service_pb2
from sentinel.probe.v1 import probe_service_pb2

from tests.e2e.stack import Stack, Team, fields, reason, registration

CHECK: dict[str, Any] = {"name": "home", "http": {"url": "https://example.com"}, "interval": "10s", "timeout": "5s"}
LONG = "x" * 3000


@pytest.mark.parametrize(
    "body", ["{", "[]", "null null", '{"name": {}}', '{"name": 5, "labels": 7}', '{"labels": {"a": []}}', "\x00"]
)
def test_what_is_no_json_of_the_route_is_malformed(team: Team, body: str) -> None:
    answer = team.client.post("/services", content=body)

    assert (answer.status_code, reason(answer)) == (400, "REQUEST_MALFORMED")


@pytest.mark.parametrize("query", ["?foo=1", "?pageSize=many", "?pageSize=1&bar="])
def test_unknown_and_mistyped_query_parameters_are_malformed(team: Team, query: str) -> None:
    answer = team.client.get(f"/services{query}")

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
        ({"http": {"url": "https://example.com", "method": "CONNECT"}}, "check.http.method"),
        ({"http": {"url": "https://example.com", "headers": {"Content-Length": "5"}}}, "check.http.headers"),
        ({"http": {"url": "https://example.com", "headers": {"x": "a\r\nb: c"}}}, "check.http.headers['x']"),
        ({"http": {"url": "https://example.com", "headers": {"a b": "c"}}}, "check.http.headers['a b']"),
        ({"http": {"url": "https://example.com", "expectedStatus": [99]}}, "check.http.expected_status[0]"),
        ({"http": {"url": "https://example.com", "body": "x" * 70000}}, "check.http.body"),
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
    team: Team, change: dict[str, Any], field: str
) -> None:
    body = {name: value for name, value in {**CHECK, **change}.items() if value is not None}
    answer = team.client.post(f"/services/{uuid4()}/checks", json=body)

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


def test_an_oversized_body_is_refused(team: Team) -> None:
    answer = team.client.post("/services", json={"name": "x" * 2_000_000})

    assert (answer.status_code, reason(answer)) == (413, "REQUEST_TOO_LARGE")


@pytest.mark.parametrize("path", ["/nothing", "/services/x/y/z", "/auth/login/extra"])
def test_an_unknown_route_is_not_found(team: Team, path: str) -> None:
    answer = team.client.get(path)

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


# Tenants never meet


def owned_methods() -> list[MethodDescriptor]:
    """Every method that takes the id of a tenant's thing; new ones enter by themselves."""
    services = [
        monitor_service_pb2.DESCRIPTOR.services_by_name["MonitorService"],
        probe_service_pb2.DESCRIPTOR.services_by_name["ProbeService"],
    ]
    return [
        method
        for service in services
        for method in service.methods
        if {"service_id", "check_id"} & {field.name for field in method.input_type.fields}
    ]


@pytest.mark.parametrize("method", owned_methods(), ids=lambda method: method.name)
def test_another_tenants_id_is_not_found_as_an_absent_one_is(
    team: Team, other_team: Team, method: MethodDescriptor
) -> None:
    from google.api import annotations_pb2  # noqa: PLC0415 — read here only

    service = team.service()
    check = team.check(service, "http://localhost:1/", interval="3600s")
    http = method.GetOptions().Extensions[annotations_pb2.http]
    verb = http.WhichOneof("pattern")
    for ids in ({"service_id": service, "check_id": check}, {"service_id": str(uuid4()), "check_id": str(uuid4())}):
        path = getattr(http, verb)
        for name, value in ids.items():
            path = path.replace(f"{{{name}}}", value)
        query = "" if "{" in getattr(http, verb) else f"?serviceId={ids['service_id']}"
        body = CHECK if http.body == "check" else {}
        answer = other_team.client.request(verb.upper(), path + query, json=body if http.body else None)
        assert answer.status_code == 404, answer.text
        assert reason(answer) in {"SERVICE_NOT_FOUND", "CHECK_NOT_FOUND"}
    assert other_team.client.get("/services").json()["services"] == []


# Tokens


def unsigned(claims: dict[str, Any], **header: str) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT', **header})}.{part(claims)}."


def test_tokens_that_are_not_ours_are_refused(stack: Stack, team: Team) -> None:
    good = team.tokens["accessToken"]
    header, claims = jwt.get_unverified_header(good), jwt.decode(good, options={"verify_signature": False})
    foreign = Ed25519PrivateKey.generate()
    with stack.rest() as client:
        public = client.get("/.well-known/jwks.json").json()["keys"][0]["x"]
    payload = good.split(".")[1]
    forgeries = {
        "missing": "",
        "garbage": "Bearer garbage",
        "not a bearer": f"Basic {good}",
        "two dots": "Bearer ..",
        "truncated": f"Bearer {good[:-5]}",
        "alg none": f"Bearer {unsigned(claims)}",
        "alg none with kid": f"Bearer {unsigned(claims, kid=header['kid'])}",
        "foreign key": f"Bearer {jwt.encode(claims, foreign, algorithm='EdDSA', headers={'kid': header['kid']})}",
        "foreign kid": f"Bearer {jwt.encode(claims, foreign, algorithm='EdDSA', headers={'kid': 'x'})}",
        "kid injection": f"Bearer {jwt.encode(claims, foreign, algorithm='EdDSA', headers={'kid': '../../x'})}",
        "HS256 with the public key": "Bearer "
        + jwt.encode(claims, public.ljust(64, "="), algorithm="HS256", headers={"kid": header["kid"]}),
        "changed claims": f"Bearer {good.replace(payload, payload[:-4] + 'AAAA')}",
        "oversized": "Bearer " + "a" * 5000,
    }
    for name, value in forgeries.items():
        with stack.rest() as client:
            answer = client.get("/services", headers={"authorization": value} if value else {})
        expected = "TOKEN_MISSING" if name == "missing" else "TOKEN_INVALID"
        assert (answer.status_code, reason(answer)) == (401, expected), name
    assert team.client.get("/services").status_code == 200


def test_identity_comes_from_the_token_alone(team: Team, other_team: Team) -> None:
    team.service("Shop")
    tenant = team.registered["tenant"]["id"]
    answer = other_team.client.get("/services", headers={"x-tenant-id": tenant, "tid": tenant, "app-tenant-id": tenant})

    assert answer.json()["services"] == []
