"""Several callers of one tenant are answered together, each with what was read after they asked."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest
from sentinel.monitor.v1 import monitor_service_pb2 as pb

from services.monitor.request_coalescer import RequestCoalescer, SharedReads
from services.platform.errors import Unavailable

ONE, OTHER = UUID(int=1), UUID(int=2)
A, B, C = (UUID(int=number) for number in (11, 12, 13))


class Source:
    """Answers when it is let, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[UUID, set[UUID]]] = []
        self.turn = asyncio.Semaphore(0)
        self.broken = False

    async def ask(self, tenant_id: UUID, subjects: Sequence[UUID]) -> Mapping[UUID, int]:
        """Each subject is answered with how often anything was asked."""
        self.asked.append((tenant_id, set(subjects)))
        number = len(self.asked)
        await self.turn.acquire()
        if self.broken:
            raise Unavailable
        return {subject: number for subject in subjects if subject != C}


async def settled() -> None:
    """Everything that can go on has."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_meanwhile_is_answered_together_by_the_next_question_and_not_by_the_one_under_way() -> None:
    source = Source()
    coalescer = RequestCoalescer(source.ask)
    first = asyncio.create_task(coalescer.get(ONE, A))
    await settled()
    later = [asyncio.create_task(coalescer.get(ONE, subject)) for subject in (A, B, B, C)]
    elsewhere = asyncio.create_task(coalescer.get(OTHER, A))
    await settled()
    assert source.asked == [(ONE, {A}), (OTHER, {A})]

    for _ in range(3):
        source.turn.release()
    assert await first == 1
    assert await elsewhere == 2
    assert await asyncio.gather(*later) == [3, 3, 3, None]
    assert source.asked[2:] == [(ONE, {A, B, C})]


async def test_what_fails_fails_for_those_who_asked_and_the_next_is_asked_anew() -> None:
    source = Source()
    coalescer = RequestCoalescer(source.ask)
    source.broken = True
    source.turn.release()
    with pytest.raises(Unavailable):
        await coalescer.get(ONE, A)
    source.broken = False
    source.turn.release()
    assert await coalescer.get(ONE, A) == 2


async def test_a_cancelled_call_leaves_the_read_to_those_who_share_it_and_later_calls_to_the_next_read() -> None:
    source = Source()
    coalescer = RequestCoalescer(source.ask)
    gone, same, other = (asyncio.create_task(coalescer.get(ONE, subject)) for subject in (A, A, B))
    await settled()
    later = asyncio.create_task(coalescer.get(ONE, A))
    gone.cancel()
    await settled()
    assert gone.cancelled()
    assert source.asked == [(ONE, {A, B})]
    assert not any(asking.done() for asking in (same, other, later))

    source.turn.release()
    await settled()
    assert source.asked == [(ONE, {A, B}), (ONE, {A})]
    assert (same.result(), other.result()) == (1, 1)
    assert not later.done()
    source.turn.release()
    assert await later == 2


async def test_many_are_asked_for_in_bounded_questions() -> None:
    source = Source()
    coalescer = RequestCoalescer(source.ask)
    asking = [asyncio.create_task(coalescer.get(ONE, UUID(int=100 + number))) for number in range(120)]
    for _ in range(3):
        source.turn.release()
    await asyncio.gather(*asking)
    assert [len(subjects) for _, subjects in source.asked] == [50, 50, 20]


async def test_a_read_that_nobody_waits_for_any_more_is_cancelled_and_the_next_one_is_made() -> None:
    source = Source()
    coalescer = RequestCoalescer(source.ask)
    gone = [asyncio.create_task(coalescer.get(ONE, A)) for _ in range(2)]
    await settled()
    later = asyncio.create_task(coalescer.get(ONE, B))
    await settled()
    gone[0].cancel()
    await settled()
    assert source.asked == [(ONE, {A})]

    gone[1].cancel()
    await settled()
    assert source.asked == [(ONE, {A}), (ONE, {B})]
    source.turn.release()
    assert await later == 2


async def test_what_nobody_waits_for_any_more_is_not_read() -> None:
    source = Source()
    coalescer = RequestCoalescer(source.ask)
    first = asyncio.create_task(coalescer.get(ONE, A))
    await settled()
    gone = asyncio.create_task(coalescer.get(ONE, B))
    await settled()
    gone.cancel()
    source.turn.release()
    assert await first == 1
    await settled()
    assert source.asked == [(ONE, {A})]


async def test_equal_requests_of_a_tenant_share_one_read_and_others_do_not() -> None:
    reads = SharedReads()
    turn = asyncio.Event()
    begun: list[str] = []

    async def read(name: str) -> str:
        begun.append(name)
        await turn.wait()
        return f"{name} {len(begun)}"

    def asking(tenant_id: UUID, request: pb.ListServicesRequest | pb.ListChecksRequest, name: str) -> asyncio.Task[str]:
        return asyncio.create_task(reads.get(tenant_id, request, lambda: read(name)))

    first = asking(ONE, pb.ListServicesRequest(page_size=5), "first")
    await settled()
    same = [asking(ONE, pb.ListServicesRequest(page_size=5), "same") for _ in range(20)]
    others = [
        asking(ONE, pb.ListServicesRequest(page_size=6), "other page"),
        asking(ONE, pb.ListChecksRequest(page_size=5), "other method"),
        asking(OTHER, pb.ListServicesRequest(page_size=5), "other tenant"),
    ]
    await settled()
    assert begun == ["first", "other page", "other method", "other tenant"]

    turn.set()
    assert await first == "first 4"
    assert set(await asyncio.gather(*same)) == {"first 5"}  # read anew, for all of them, as any of the callers would
    assert [(await other).rpartition(" ")[0] for other in others] == begun[1:4]
    assert len(begun) == 5
