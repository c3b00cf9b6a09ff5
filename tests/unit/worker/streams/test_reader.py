"""architecture.md § Streams: bounded queues, for each reader and for all together, and an honest end."""

import pytest

from services.checks.outcome import Outcome
from services.checks.result import Result
from services.platform.ids import new_id
from services.platform.rpc.stream_guard import EndReason
from services.platform.rpc.stream_reader import UnreadLimit
from services.worker.streams import reader
from services.worker.streams.position import Position
from services.worker.streams.reader import MOST_QUEUED_BY_ALL, Reader, RecordedResult


def events(count: int, first: int = 0) -> list[RecordedResult]:
    tenant_id, service_id, check_id = new_id(), new_id(), new_id()
    results = [
        Result(
            tenant_id=tenant_id,
            service_id=service_id,
            check_id=check_id,
            slot_us=number,
            interval_us=1,
            outcome=Outcome.UP,
            worker_id="w",
        )
        for number in range(first, first + count)
    ]
    return [RecordedResult(Position(each.slot_us, each.slot_us, check_id, 1), each) for each in results]


def all_of(_: Result) -> bool:
    return True


def test_a_reader_is_given_what_it_wants_in_order_and_moves_on_as_it_takes() -> None:
    one = Reader(lambda result: result.slot_us % 2 == 0, UnreadLimit(MOST_QUEUED_BY_ALL))
    one.push(events(5))
    assert [one.take().position.xid for _ in range(3)] == [0, 2, 4]
    assert one.position.xid == 4
    assert not one.queue


def test_what_nobody_wants_wakes_nobody() -> None:
    one = Reader(lambda _: False, UnreadLimit(MOST_QUEUED_BY_ALL))
    one.push(events(5))
    assert not one.wakeup.is_set()


def test_a_slow_reader_keeps_what_it_has_and_gets_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST_QUEUED", 3)
    one = Reader(all_of, UnreadLimit(MOST_QUEUED_BY_ALL))
    one.push(events(3))
    one.push(events(1, 3))
    one.push(events(1, 4))
    assert one.end_reason is EndReason.SLOW_READER
    assert not one.must_stop_now()
    assert [event.position.xid for event in one.queue] == [0, 1, 2]


def test_that_its_session_ended_counts_more_than_that_it_was_slow() -> None:
    one = Reader(all_of, UnreadLimit(MOST_QUEUED_BY_ALL))
    one.end(EndReason.SLOW_READER)
    one.end(EndReason.SESSION_ENDED)
    one.end(EndReason.SLOW_READER)
    assert one.end_reason is EndReason.SESSION_ENDED
    assert one.must_stop_now()


def test_when_all_hold_too_much_who_holds_most_loses_it() -> None:
    backlog = UnreadLimit(10)
    one, two = Reader(all_of, backlog), Reader(all_of, backlog)
    one.push(events(3))
    two.push(events(7))
    assert not one.is_over()
    assert not two.is_over()
    one.push(events(1, 3))
    assert two.end_reason is EndReason.SLOW_READER
    assert not two.queue
    assert (one.is_over(), len(one.queue)) == (False, 4)
    two.close()
    one.push(events(6, 4))
    assert (one.is_over(), len(one.queue)) == (False, 10)


def test_readers_of_a_tenant_share_its_events() -> None:
    backlog = UnreadLimit(MOST_QUEUED_BY_ALL)
    one, two = Reader(all_of, backlog), Reader(all_of, backlog)
    recorded = events(2)
    for each in (one, two):
        each.push(recorded)
    assert all(mine is yours for mine, yours in zip(one.queue, two.queue, strict=True))
