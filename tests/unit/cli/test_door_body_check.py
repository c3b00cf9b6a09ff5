"""Every body that Envoy would transcode is inspected first, by the service that its request is for."""

import re
from typing import Any

import pytest

from cli.door.body_check import body_clusters, body_filters
from cli.door.contract import rpcs
from cli.door.limits import AUTH_METHODS, Limit
from cli.door.routes import BODILESS, RATE_LIMIT_OF_REST, routes

ROUTES = routes([Limit(path, 60, 30) for path in AUTH_METHODS])
SERVICES = {"auth": "auth", "monitor": "monitor", "probe": "worker"}
WRITES = [
    (method, template, rpc)
    for rpc in rpcs()
    for method, template in rpc.bindings
    if method in {"POST", "PATCH", "PUT"} and rpc.name != "ReportHeartbeat"
]


def filters(method: str, path: str, accept: str = "") -> dict[str, Any]:
    """The filters of the first route that a request matches."""
    headers = {":method": method, "accept": accept, ":path": path}
    return next(
        dict(route["typed_per_filter_config"])
        for route in ROUTES
        if _has(route["match"], path) and all(_is(headers, each) for each in route["match"].get("headers", []))
    )


def _has(match: dict[str, Any], path: str) -> bool:
    if "safe_regex" in match:
        return re.fullmatch(match["safe_regex"]["regex"], path) is not None
    return path == match["path"] if "path" in match else path.startswith(match["prefix"])


def _is(headers: dict[str, str], matcher: dict[str, Any]) -> bool:
    value = headers.get(matcher["name"])
    if matcher.get("present_match"):
        return value is not None
    (kind, wanted), text = next(iter(matcher["string_match"].items())), value or ""
    if kind == "safe_regex":
        found = re.fullmatch(wanted["regex"], text) is not None
    else:
        found = wanted in text if kind == "contains" else wanted == text
    return bool(value is not None and found != matcher.get("invert_match", False))


def checks(found: dict[str, Any]) -> list[str]:
    return [name for name in found if name.startswith("sentinel.body.")]


@pytest.mark.parametrize("accept", ["", "text/event-stream"])
@pytest.mark.parametrize(("method", "template", "rpc"), WRITES, ids=lambda value: getattr(value, "name", value))
def test_every_write_is_inspected_by_its_service(method: str, template: str, rpc: Any, accept: str) -> None:
    path = re.sub(r"\{[^}]*\}", "x", template)
    expected = f"sentinel.body.{SERVICES[rpc.service.split('.')[1]]}"

    assert checks(filters(method, path, accept)) == [expected]
    assert checks(filters(method, f"{path}//", accept)) == [expected]


@pytest.mark.parametrize(
    "path", ["/%73ervices", "/nothing", "/", "/services/x:y", "/auth/%6cogin", "/heartbeat/x:y", "/heartbeat"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "OTHER"])
def test_whatever_a_path_looks_like_its_body_is_inspected(method: str, path: str) -> None:
    assert len(checks(filters(method, path))) == 1


@pytest.mark.parametrize("path", ["/heartbeat/x", "/v1/heartbeat/x/fail/"])
@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
def test_signals_of_jobs_may_have_any_body(method: str, path: str) -> None:
    found = filters(method, path)

    assert checks(found) == []
    assert found[BODILESS]["disabled"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_reads_and_deletes_are_not_inspected_since_they_have_no_body(method: str) -> None:
    found = filters(method, "/services/x")

    assert checks(found) == []
    assert BODILESS not in found


@pytest.mark.parametrize("rpc", [rpc for rpc in rpcs() if not rpc.streams], ids=lambda rpc: rpc.name)
def test_calls_by_grpc_are_not_inspected(rpc: Any) -> None:
    assert checks(filters("POST", rpc.path)) == []


@pytest.mark.parametrize("rpc", [rpc for rpc in rpcs() if rpc.path in AUTH_METHODS], ids=lambda rpc: rpc.name)
def test_what_signs_in_is_limited_before_it_is_inspected(rpc: Any) -> None:
    for method, path in rpc.bindings:
        assert RATE_LIMIT_OF_REST in filters(method, path)


def test_a_check_that_fails_lets_nothing_through() -> None:
    found = [each["typed_config"] for each in body_filters()]

    assert [each["failure_mode_allow"] for each in found] == [False] * 3
    assert [each["with_request_body"]["allow_partial_message"] for each in found] == [False] * 3
    assert {each["http_service"]["server_uri"]["cluster"] for each in found} == {
        cluster["name"] for cluster in body_clusters({"auth": [], "monitor": [], "worker": []})
    }
