"""What several callers want of one tenant at the same time is asked of the database together.

The statements of one transaction cost about the same whether they are about one service or about fifty. A question that
comes while another one of its tenant is under way waits for the next, which is asked for all that wait then. So nobody
is told what was read before they asked, nobody waits where nothing is under way, and no tenant takes all connections.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar
from uuid import UUID

_MOST_AT_ONCE = 50
_T = TypeVar("_T")


class Together(Generic[_T]):
    """Asks about several subjects of a tenant at once.

    Args:
        ask: answers what is known of some of a tenant's subjects; those that it has not are left out.
    """

    def __init__(self, ask: Callable[[UUID, Sequence[UUID]], Awaitable[Mapping[UUID, _T]]]) -> None:
        self._ask = ask
        self._waiting: dict[UUID, dict[UUID, list[asyncio.Future[_T | None]]]] = {}
        self._under_way: dict[UUID, asyncio.Task[None]] = {}

    async def one(self, tenant_id: UUID, subject: UUID) -> _T | None:
        """What is known of a subject, read after this was called; None if the tenant has no such one.

        Raises:
            SentinelError: what asking raised.
        """
        answer: asyncio.Future[_T | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, {}).setdefault(subject, []).append(answer)
        if tenant_id not in self._under_way:
            self._under_way[tenant_id] = asyncio.create_task(self._go_on(tenant_id))
        return await answer

    async def _go_on(self, tenant_id: UUID) -> None:
        """Ask until nobody of the tenant waits."""
        try:
            while waiting := self._waiting.pop(tenant_id, None):
                subjects = list(waiting)[:_MOST_AT_ONCE]
                asked = {subject: waiting.pop(subject) for subject in subjects}
                if waiting:
                    self._waiting[tenant_id] = waiting
                await self._answer(tenant_id, asked)
        finally:
            del self._under_way[tenant_id]

    async def _answer(self, tenant_id: UUID, asked: Mapping[UUID, Sequence[asyncio.Future[_T | None]]]) -> None:
        try:
            found = await self._ask(tenant_id, list(asked))
        except Exception as error:  # noqa: BLE001 — it is raised where it was asked
            for answer in (each for answers in asked.values() for each in answers if not each.done()):
                answer.set_exception(error)
        else:
            for subject, answers in asked.items():
                for answer in answers:
                    # Who asked may have gone.
                    if not answer.done():
                        answer.set_result(found.get(subject))
