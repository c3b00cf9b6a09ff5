"""Slugs that no tenant may have."""

import re

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth.registration import refuse_reserved
from services.auth.reserved_slugs import RESERVED_SLUGS
from services.platform.errors import InvalidArgument
from services.platform.rest.contract import contract_routes

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def test_each_is_a_slug_that_somebody_could_ask_for() -> None:
    assert all(_SLUG.fullmatch(slug) and 2 <= len(slug) <= 63 for slug in RESERVED_SLUGS)
    assert {"admin", "api", "www", "sentinel", "status"} <= RESERVED_SLUGS


def test_each_route_of_the_contract_is_among_them() -> None:
    first = {str(route.segments[0]) for route in contract_routes().all}

    assert {"auth", "services", "v1"} <= first
    assert {each for each in first if _SLUG.fullmatch(each)} <= RESERVED_SLUGS


def test_a_reserved_slug_is_refused_by_the_fields_name_and_another_is_not() -> None:
    with pytest.raises(InvalidArgument) as caught:
        refuse_reserved("admin")
    assert caught.value.reason == reasons.ERROR_REASON_TENANT_SLUG_RESERVED
    assert [each.field for each in caught.value.violations] == ["tenant_slug"]
    refuse_reserved("admins")
