"""Runs on demand of a few tenants leave places for others."""

from contextlib import ExitStack
from uuid import UUID

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import ResourceExhausted
from services.worker.on_demand_places import OnDemandPlaces


def taken_by(stack: ExitStack, places: OnDemandPlaces, tenant: int) -> int:
    """Take as many as a tenant gets."""
    for count in range(100):
        try:
            stack.enter_context(places.holding(UUID(int=tenant)))
        except ResourceExhausted:
            return count
    raise AssertionError("there is no limit")


def test_two_tenants_take_half_and_each_further_one_gets_a_place_of_the_rest() -> None:
    places = OnDemandPlaces()
    with ExitStack() as stack:
        assert [taken_by(stack, places, tenant) for tenant in range(20)] == [8, 8, *[1] * 16, 0, 0]
    assert places.taken == 0


def test_a_refusal_says_the_limit_and_what_the_tenant_has() -> None:
    places = OnDemandPlaces()
    with ExitStack() as stack:
        taken_by(stack, places, 1)
        with pytest.raises(ResourceExhausted) as refused, places.holding(UUID(int=1)):
            pass
    assert refused.value.reason == reasons.ERROR_REASON_OVERLOADED
    assert refused.value.metadata == {"limit": "8", "actual": "8"}
    assert refused.value.retry_after_s > 0


def test_a_place_is_given_back_however_its_run_ends() -> None:
    places = OnDemandPlaces()
    for _ in range(20):
        with pytest.raises(ZeroDivisionError), places.holding(UUID(int=1)):
            raise ZeroDivisionError
    assert places.taken == 0
