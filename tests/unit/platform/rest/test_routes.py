"""A path leads to the route that Envoy's transcoder takes it to."""

import pytest

from services.platform.rest.contract import contract_routes
from services.platform.rest.routes import Match

UPDATE = "/sentinel.monitor.v1.MonitorService/UpdateCheck"


def found(method: str, path: str) -> Match:
    match = contract_routes().match(method, path)
    assert match is not None
    return match


def test_every_route_of_the_contract_is_found_by_a_path_of_its_own() -> None:
    assert len(contract_routes().all) > 100
    for route in contract_routes().all:
        names = iter(f"v{number}" for number in range(9))
        path = "/" + "/".join(next(names) if part is None else part for part in route.segments)
        match = found(route.method, path + (f":{route.verb}" if route.verb else ""))

        assert match.route == route
        assert list(match.values) == list(route.variables)


@pytest.mark.parametrize(
    "path",
    [
        "/services/a/checks/b",
        "/v1/services/a/checks/b",
        "/services/a/checks/b/",
        "/services/a/checks/b///",
        "/services/a/checks/b?updateMask=a:b/c",
        "/%73ervices/%61/checks/b",
    ],
)
def test_spellings_of_a_path_lead_to_the_same_route(path: str) -> None:
    match = found("PATCH", path)

    assert (match.route.rpc, match.route.body) == (UPDATE, "check")
    assert match.values == {"check.service_id": "a", "check.id": "b"}


def test_head_is_get_and_a_verb_is_no_part_of_an_id() -> None:
    assert found("HEAD", "/services/a").route == found("GET", "/services/a").route
    assert found("POST", "/services/a/checks/b:pause").values == {"service_id": "a", "check_id": "b"}
    assert found("GET", "/services/a:b").values == {"service_id": "a:b"}
    assert found("GET", "/services/a:").values == {"service_id": "a:"}


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/nothing"), ("PUT", "/services/a"), ("POST", "/services/a/checks/b:x")]
)
def test_what_is_no_route_leads_nowhere(method: str, path: str) -> None:
    assert contract_routes().match(method, path) is None
