"""A PATCH without a mask changes what its JSON names, to whatever value: every writable field of every update."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from sentinel.monitor.v1 import check_pb2, maintenance_pb2, service_pb2

from services.platform.rest.contract import contract_routes
from tests.support.contract import at, writable_leaves
from tests.support.stack import Team, fields, reason
from tests.support.targets import Authority

CHECK = cast("Descriptor", check_pb2.Check.DESCRIPTOR)
SERVICE = cast("Descriptor", service_pb2.Service.DESCRIPTOR)
WINDOW = cast("Descriptor", maintenance_pb2.MaintenanceWindow.DESCRIPTOR)
URL = "https://127.0.0.1:1/"


def leaves(kind: Descriptor) -> Iterator[tuple[tuple[str, ...], FieldDescriptor]]:
    """Every field that can be set, down to the innermost."""
    for path in writable_leaves(kind):
        yield tuple(field.json_name for field in path), path[-1]


def empty(field: FieldDescriptor) -> Any:
    """The empty value of a field in JSON."""
    if field.is_repeated:
        return {} if field.message_type is not None and field.message_type.GetOptions().map_entry else []
    if field.message_type is not None:
        return None
    if field.enum_type is not None:
        return field.enum_type.values[0].name
    if field.type == FieldDescriptor.TYPE_STRING:
        return ""
    return False if field.type == FieldDescriptor.TYPE_BOOL else 0


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """JSON that has one value, at a path."""
    for name in reversed(path):
        value = {name: value}
    return dict(value)


def stable(message: dict[str, Any]) -> dict[str, Any]:
    """A resource without what moves with time: in the first hour uptime counts up to now."""
    return {name: value for name, value in message.items() if name != "uptime"}


def emptied(team: Team, path: str, name: str, full: dict[str, Any], kind: Descriptor) -> dict[str, Any]:
    """Empty each field by a PATCH of its own: what was read back of each; a text for a refusal."""
    found: dict[str, Any] = {}
    for field_path, field in leaves(kind):
        if at(full, field_path) is None:
            continue
        restored = team.client.patch(path, json=full)
        assert restored.status_code == 200, restored.text
        assert at(restored.json()[name], field_path) != empty(field), f"{field_path} is not in the full resource"
        answer = team.client.patch(path, json=nested(field_path, empty(field)))
        if answer.status_code == 400:
            assert reason(answer) in {"FIELD_INVALID", "SECRET_NOT_STORED"}
            found[".".join(field_path)] = "refused"
        else:
            assert answer.status_code == 200, answer.text
            read = team.client.get(path).json()[name]
            assert stable(read) == stable(answer.json()[name])
            found[".".join(field_path)] = at(read, field_path)
            others = [other for other, _ in leaves(kind) if other[:1] == field_path[:1] and other != field_path]
            before = restored.json()[name]
            assert [at(read, other) for other in others] == [at(before, other) for other in others]
    return found


def full_checks(authority: Authority) -> dict[str, dict[str, Any]]:
    """A check of each kind with everything that can be set."""
    pem, (key, certificate) = authority.pem, authority.pair("a.test")
    common = {"name": "full", "interval": "30s", "timeout": "3s", "failureThreshold": 5, "recoveryThreshold": 4}
    tls = {"skipVerify": True, "caCertificates": pem, "serverName": "a.test"}
    return {
        "http": {
            **common,
            "retries": 3,
            "retryDelay": "1s",
            "http": {
                "url": URL,
                "method": "POST",
                "headers": {"x-a": "b", "x-b": "c"},
                "body": "text",
                "expectedStatus": [201, 202],
                "followRedirects": True,
                "maxRedirects": 3,
                "bodyContains": "x",
                "tls": tls,
                "assertions": [{"bodyContains": "a"}],
                "basicAuth": {"username": "bob", "password": "secret"},
            },
        },
        "http with a token": {
            **common,
            "http": {
                "url": URL,
                "headers": {"x-a": "b"},
                "secretHeaders": ["x-a"],  # neither goes without the other: what it was is not shown
                "bearerToken": "secret",
                "clientCertificate": {"certificate": certificate.decode(), "privateKey": key.decode()},
            },
        },
        "tcp": {
            **common,
            "retries": 3,
            "retryDelay": "1s",
            "tcp": {"host": "a.test", "port": 1, "send": "a", "expect": "b"},
        },
        "tls": {
            **common,
            "retries": 3,
            "retryDelay": "1s",
            "tls": {"host": "a.test", "port": 1, "minDaysLeft": 7, "startTls": "START_TLS_SMTP", **tls},
        },
        "dns": {
            **common,
            "retries": 3,
            "retryDelay": "1s",
            "dns": {"name": "a.test", "type": "A", "expected": ["1.2.3.4"], "server": "127.0.0.1:1"},
        },
        "grpc": {**common, "retries": 3, "grpc": {"address": "a.test:1", "service": "a", "tls": True, **tls}},
        "heartbeat": {
            **{name: value for name, value in common.items() if name != "timeout"},
            "heartbeat": {"grace": "20s"},
        },
    }


# What the server shows for a field that is not set, and which fields the contract needs.
DEFAULTS = {
    "interval": "60s",
    "timeout": "10s",
    "failureThreshold": 2,
    "recoveryThreshold": 1,
    "retryDelay": "0.250s",
    "http.method": "GET",
    "tls.startTls": "START_TLS_UNSPECIFIED",
    "heartbeat.grace": "0s",
}
REFUSED = {
    "http": {"name", "http.url"},
    "http with a token": {
        "name",
        "http.headers",
        "http.secretHeaders",
        "http.url",
        "http.clientCertificate.certificate",
        "http.clientCertificate.privateKey",
    },
    "tcp": {"name", "tcp.host", "tcp.port"},
    "tls": {"name", "tls.host", "tls.port"},
    "dns": {"name", "dns.name", "dns.type"},
    "grpc": {"name", "grpc.address", "grpc.tls"},
    "heartbeat": {"name"},
}


@pytest.mark.parametrize("kind", REFUSED)
def test_every_field_of_a_check_can_be_emptied(team: Team, authority: Authority, kind: str) -> None:
    full = full_checks(authority)[kind]
    service = team.service()
    check = team.post(f"/services/{service}/checks", **full)["check"]["id"]
    found = emptied(team, f"/services/{service}/checks/{check}", "check", full, CHECK)

    assert {path for path, value in found.items() if value == "refused"} == REFUSED[kind]
    shown = DEFAULTS | ({"failureThreshold": 1} if kind == "heartbeat" else {})
    of = {".".join(path): shown.get(".".join(path), empty(field)) for path, field in leaves(CHECK)}
    assert found == {path: "refused" if path in REFUSED[kind] else of[path] for path in found}


def test_every_field_of_every_check_is_tried_here(authority: Authority) -> None:
    full = full_checks(authority)
    missing = [path for path, _ in leaves(CHECK) if not any(at(each, path) for each in full.values())]
    assert not missing


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_every_field_of_a_service_can_be_emptied(team: Team) -> None:
    full = {"name": "Shop", "url": "https://a.test/", "description": "a shop", "labels": {"a": "b"}}
    found = emptied(team, f"/services/{team.service()}", "service", full, SERVICE)

    assert found == {"name": "refused", "url": "", "description": "", "labels": {}}


def test_every_field_of_a_window_can_be_emptied(team: Team) -> None:
    full = {
        "name": "Upgrade",
        "serviceId": team.service(),
        "startTime": "2090-01-01T00:00:00Z",
        "duration": "3600s",
        "rrule": "FREQ=WEEKLY",
        "timeZone": "Europe/Berlin",
    }
    window = team.post("/maintenance-windows", **full)["window"]["id"]
    found = emptied(team, f"/maintenance-windows/{window}", "window", full, WINDOW)
    start = found.pop("startTime")

    assert start != full["startTime"]  # now
    assert found == {"name": "refused", "duration": "refused", "serviceId": "", "rrule": "", "timeZone": ""}


def test_every_field_of_a_user_can_be_emptied(team: Team) -> None:
    person = team.person("viewer")
    path = f"/users/{person.id}"

    def patched(**change: Any) -> Any:
        answer = team.client.patch(path, json=change)
        assert team.client.get(path).json()["user"] == answer.json().get("user", team.client.get(path).json()["user"])
        return answer.json()["user"] if answer.status_code == 200 else fields(answer)

    assert patched(disabled=True)["disabled"]
    assert not patched(disabled=False)["disabled"]
    assert patched(disabled=True)["disabled"]
    assert not patched(disabled=None)["disabled"]
    assert patched(role=None) == ["user.role"]
    assert patched(role="ROLE_UNSPECIFIED") == ["user.role"]


def test_the_callers_name_can_be_emptied(team: Team) -> None:
    for value in ("", None):
        assert team.client.patch("/auth/me", json={"displayName": "Ann"}).json()["user"]["displayName"] == "Ann"
        answer = team.client.patch("/auth/me", json={"displayName": value})

        assert (answer.status_code, answer.json()["user"]["displayName"]) == (200, "")
        assert team.client.get("/auth/me").json()["user"]["displayName"] == ""


def test_every_update_of_the_contract_is_tried_here() -> None:
    updates = {route.rpc.rpartition("/")[2] for route in contract_routes().all if route.takes_mask}

    assert updates == {"UpdateService", "UpdateCheck", "UpdateMaintenanceWindow", "UpdateUser", "UpdateMe"}
