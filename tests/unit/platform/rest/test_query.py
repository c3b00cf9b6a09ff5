"""A parameter of a query names a field that is neither in the path nor in the body, once, and has a value."""

import pytest
from google.protobuf.message_factory import GetMessageClass
from sentinel.monitor.v1 import monitor_service_pb2

from services.platform.errors import InvalidArgument
from services.platform.rest.contract import contract_routes
from services.platform.rest.query import decode_plus_signs, validate_query
from services.platform.rest.routes import Match

BOTH = "/services/a/checks/b"


def match(method: str, path: str) -> Match:
    found = contract_routes().match(method, path)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/services", "pageSize=1&page_token=a&labels=a%3Db&labels=c"),
        ("GET", "/services", ""),
        ("GET", "/services", "&&text=&"),
        ("GET", "/services", "text=a=b&states=SERVICE_STATE_UP"),
        ("PATCH", BOTH, "updateMask=name,http.url"),
        ("PATCH", BOTH, "update_mask=name"),
    ],
)
def test_what_the_route_takes_is_taken(method: str, path: str, query: str) -> None:
    validate_query(match(method, path), query)


@pytest.mark.parametrize(
    ("method", "path", "query", "field", "words"),
    [
        ("GET", "/services/a", "serviceId=b", "serviceId", "is set by the path"),
        ("GET", "/services/a", "service_id=a", "service_id", "is set by the path"),
        ("PATCH", "/services/a", "service.id=b", "service.id", "is set by the path"),
        ("PATCH", BOTH, "check.serviceId=b", "check.serviceId", "is set by the path"),
        ("DELETE", BOTH, "checkId=c", "checkId", "is set by the path"),
        ("PATCH", BOTH, "check.name=b", "check.name", "must be set in the body"),
        ("PATCH", BOTH, "check.http.url=b", "check.http.url", "must be set in the body"),
        ("POST", "/services", "name=b", "name", "must be set in the body"),
        ("POST", BOTH + ":pause", "service_id=c", "service_id", "is set by the path"),
        ("GET", "/services", "pagesize=1", "pagesize", "did you mean pageSize?"),
        ("GET", "/services", "foo=1", "foo", "supported: pageSize, pageToken"),
        ("GET", "/services/a", "foo=1", "foo", "unknown parameter"),
        ("POST", "/services", "foo=1", "foo", "takes no query parameters"),
        ("GET", "/services", "page%53ize=1", "pageSize", "unknown parameter"),
        ("GET", "/services", "pageSize.x=1", "pageSize.x", "unknown parameter"),
        ("PATCH", BOTH, "check=1", "check", "unknown parameter"),
        ("PATCH", BOTH, "check.http.assertions.status=1", "check.http.assertions.status", "unknown parameter"),
        ("GET", "/services", "=1", "", "unknown parameter"),
        ("GET", "/services", "text", "text", "must have a value"),
        ("GET", "/services", "pageSize=1&page_size=1", "page_size", "is set more than once"),
    ],
)
def test_what_it_does_not_take_is_refused_by_name(method: str, path: str, query: str, field: str, words: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        validate_query(match(method, path), query)

    (violation,) = refused.value.violations
    assert violation.field == field
    assert words in violation.description


def test_no_query_of_any_route_can_name_what_its_path_sets() -> None:
    tried = 0
    for route in contract_routes().all:
        for variable in route.variables:
            path = "/" + "/".join("x" if part is None else part for part in route.segments)
            with pytest.raises(InvalidArgument):
                validate_query(match(route.method, path + (f":{route.verb}" if route.verb else "")), f"{variable}=y")
            tried += 1
    assert tried > 50


def test_a_plus_in_a_text_is_a_space_and_an_encoded_one_a_plus() -> None:
    route = match("GET", "/services").route
    request = monitor_service_pb2.ListServicesRequest(text="a+b+c", labels=["a+b", "c", "d+e"], page_token="x")
    decode_plus_signs(route, "text=a+b%2Bc&labels=a+b&labels=c&labels=d%2Be&pageToken=x", request)

    assert (request.text, list(request.labels), request.page_token) == ("a b+c", ["a b", "c", "d+e"], "x")


def test_a_plus_in_a_time_stays() -> None:
    route = next(each for each in contract_routes().all if each.rpc.endswith("/ListAuditEntries"))
    request = GetMessageClass(route.request)()
    before = request.SerializeToString()
    decode_plus_signs(route, "startTime=2026-01-01T00:00:00+01:00", request)

    assert request.SerializeToString() == before
