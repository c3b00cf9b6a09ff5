"""What the account of slots finds: the proof of every slot is worth no more than this."""

from uuid import UUID

import pytest

from services.checks.grid import anchor_us, first_slot_at_or_after
from services.checks.outcome import MissedReason, Outcome
from services.platform.clock import SECOND_US
from tests.support.ledger import Entry, Ledger, Window

CHECK = UUID(int=7)
INTERVAL = 5 * SECOND_US
CREATED = 1_790_000_000 * SECOND_US
FIRST = first_slot_at_or_after(anchor_us(CHECK, INTERVAL), INTERVAL, CREATED + 1)
UNTIL = FIRST + 4 * INTERVAL
AWAY = Window(
    name="cut", start_us=FIRST + INTERVAL, end_us=FIRST + 2 * INTERVAL, shards={3}, reasons={MissedReason.DATABASE_AWAY}
)


def up(number: int, shift_us: int = 0) -> Entry:
    return Entry(slot_us=FIRST + number * INTERVAL + shift_us, outcome=Outcome.UP, reason=None, count=1, worker_id="w")


def missed(number: int, count: int, reason: MissedReason = MissedReason.DATABASE_AWAY) -> Entry:
    return Entry(slot_us=FIRST + number * INTERVAL, outcome=Outcome.MISSED, reason=reason, count=count, worker_id="w")


def faults(*entries: Entry, shard: int = 3) -> list[str]:
    return Ledger(check_id=CHECK, shard=shard, interval_us=INTERVAL, create_us=CREATED, entries=entries).faults(
        UNTIL, [AWAY]
    )


def test_slots_that_are_there_once_or_missed_where_they_may_be_are_no_fault() -> None:
    assert faults(up(0), missed(1, 2), up(3), up(4), up(5)) == []


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((up(0), up(1), up(2), up(4)), "is lost"),
        ((up(0), up(1), up(2), up(3)), "is lost"),
        ((up(1), up(2), up(3), up(4)), "is lost"),
        ((up(0), missed(1, 2), up(2), up(3), up(4)), "was counted before"),
        ((up(0), up(1), up(1), up(2), up(3), up(4)), "was counted before"),
        ((up(-1), up(0), up(1), up(2), up(3), up(4)), "is off the grid"),
        ((up(0), up(1), up(1, 1), up(2), up(3), up(4)), "is off the grid"),
        ((up(0), missed(1, 3), up(4)), "is outside of what may be"),
        ((missed(0, 2), up(2), up(3), up(4)), "is outside of what may be"),
        ((up(0), missed(1, 1, MissedReason.OVERLOADED), up(2), up(3), up(4)), "is outside of what may be"),
    ],
)
def test_each_fault_is_told_once_with_its_check(entries: tuple[Entry, ...], said: str) -> None:
    (fault,) = faults(*entries)

    assert said in fault
    assert str(CHECK) in fault


def test_a_window_excuses_its_own_shards_only() -> None:
    assert len(faults(up(0), missed(1, 2), up(3), up(4), shard=4)) == 2
