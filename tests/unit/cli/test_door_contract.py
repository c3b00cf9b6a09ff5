"""The parts of Envoy's configuration that are derived from the contract."""

import re

import pytest

from cli.door.contract import allowed_methods, path_regex, rpcs
from cli.door.routes import SERVICES


@pytest.mark.parametrize(
    ("template", "path", "matches"),
    [
        ("/services", "/services", True),
        ("/services", "/services:watch", False),
        ("/services/{service_id}", "/services/1", True),
        ("/services/{service_id}", "/services/", False),
        ("/services/{service_id}", "/services/1/2", False),
        ("/services/{service_id}", "/services/1:pause", False),
        ("/services/{check.service_id}/checks/{check.id}:run", "/services/1/checks/2:run", True),
        ("/services/{check.service_id}/checks/{check.id}:run", "/services/1/checks/2:try", False),
        ("/.well-known/jwks.json", "/xwell-known/jwks.json", False),
    ],
)
def test_a_template_matches_its_paths_only(template: str, path: str, matches: bool) -> None:
    assert bool(re.fullmatch(path_regex(template), path)) is matches


def test_each_get_route_takes_head_and_no_other_route_does() -> None:
    for rpc in rpcs():
        routes: dict[str, set[str]] = {"GET": set(), "HEAD": set()}
        for method, template in rpc.bindings:
            routes.setdefault(method, set()).add(template)
        assert routes["HEAD"] == routes["GET"], rpc


def test_each_path_has_one_set_of_methods() -> None:
    templates = {template for rpc in rpcs() for _, template in rpc.bindings}
    sets = allowed_methods()
    for template in templates:
        path = re.sub(r"\{[^}]*\}", "x", template)
        found = [allow for allow, paths in sets.items() if re.fullmatch(paths, path)]
        expected = {
            method for rpc in rpcs() for method, each in rpc.bindings if path_regex(each) == path_regex(template)
        }
        assert found == [", ".join(sorted(expected))], template


def test_every_service_of_the_contract_has_a_cluster() -> None:
    assert {rpc.service for rpc in rpcs()} == set(SERVICES)
