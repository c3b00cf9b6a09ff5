"""semantics.md §1, §3, §5: the grid is fixed, and a shard is a shard."""

import hashlib
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.checks.grid import anchor_us, first_slot_at_or_after, lateness_us, shard_of, slots_between
from services.platform.clock import DAY_US, SECOND_US

ids = st.uuids()
intervals = st.integers(5 * SECOND_US, DAY_US)
moments = st.integers(0, 4_000_000_000 * SECOND_US)


@given(ids, intervals)
def test_the_anchor_is_the_digest_modulo_the_interval(check_id: UUID, interval: int) -> None:
    digest = hashlib.sha256(str(check_id).encode()).digest()

    assert anchor_us(check_id, interval) == int.from_bytes(digest[:8], "big") % interval
    assert shard_of(check_id) == digest[0]


@given(ids, intervals, moments)
def test_the_first_slot_lies_on_the_grid_and_none_lies_before_it(check_id: UUID, interval: int, moment: int) -> None:
    anchor = anchor_us(check_id, interval)
    slot = first_slot_at_or_after(anchor, interval, moment)

    assert (slot - anchor) % interval == 0
    assert slot >= moment > slot - interval


@given(ids, intervals, moments, moments)
def test_slots_between_counts_the_slots_one_by_one(check_id: UUID, interval: int, one: int, other: int) -> None:
    anchor = anchor_us(check_id, interval)
    first = first_slot_at_or_after(anchor, interval, min(one, other))
    end = min(max(one, other), first + 50 * interval)

    assert slots_between(first, end, interval) == len(range(first, end, interval))


@given(intervals)
def test_a_slot_may_start_late_by_one_interval_at_most_30_s(interval: int) -> None:
    assert lateness_us(interval) == min(interval, 30 * SECOND_US)
