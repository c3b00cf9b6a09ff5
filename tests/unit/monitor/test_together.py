"""Several callers of one tenant are answered together, each with what was read after they asked."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from services.common.errors import Unavailable
from services.monitor.together import Together

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
    together = Together(source.ask)
    first = asyncio.create_task(together.one(ONE, A))
    await settled()
    later = [asyncio.create_task(together.one(ONE, subject)) for subject in (A, B, B, C)]
    elsewhere = asyncio.create_task(together.one(OTHER, A))
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
    together = Together(source.ask)
    source.broken = True
    source.turn.release()
    with pytest.raises(Unavailable):
        await together.one(ONE, A)
    source.broken = False
    source.turn.release()
    assert await together.one(ONE, A) == 2


async def test_who_goes_away_takes_nothing_from_the_others() -> None:
    source = Source()
    together = Together(source.ask)
    gone, stays = (asyncio.create_task(together.one(ONE, A)) for _ in range(2))
    await settled()
    gone.cancel()
    source.turn.release()
    assert await stays == 1


async def test_many_are_asked_for_in_bounded_questions() -> None:
    source = Source()
    together = Together(source.ask)
    asking = [asyncio.create_task(together.one(ONE, UUID(int=100 + number))) for number in range(120)]
    for _ in range(3):
        source.turn.release()
    await asyncio.gather(*asking)
    assert [len(subjects) for _, subjects in source.asked] == [50, 50, 20]
