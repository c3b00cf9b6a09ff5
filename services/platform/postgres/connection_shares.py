"""Fair shares of a pool's connections, so that no tenant can keep the others from the database.

A tenant may hold as many connections as it leaves free: half of the pool if it is alone. Its further calls wait in
order of arrival, and waiting tenants take turns. A call that waits too long is refused.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import ResourceExhausted, Unavailable
from services.platform.fair_pool import FairPool

# A tenant alone gets half of the pool.
_MULTIPLE = 1
WAIT_S = 2.0
_RETRY_AFTER_S = 1.0
# Each waiting call holds its request in memory.
_MOST_WAITING = 200


class ConnectionShares:
    """The shares of one pool.

    Args:
        capacity: the maximum number of connections that calls of tenants use.
        wait_s: the maximum time that a call waits for a connection, in seconds.
    """

    def __init__(self, capacity: int, wait_s: float = WAIT_S) -> None:
        self._places = FairPool(capacity, _MULTIPLE)
        self._limit = max(1, capacity // (_MULTIPLE + 1))
        self._wait_s = wait_s
        self._waiting: OrderedDict[UUID, deque[asyncio.Future[None]]] = OrderedDict()

    def held_by(self, tenant_id: UUID) -> int:
        """Return how many connections a tenant's calls hold."""
        return self._places.held_by(tenant_id)

    def waiting_of(self, tenant_id: UUID) -> int:
        """Return how many of a tenant's calls are waiting."""
        return len(self._waiting.get(tenant_id, ()))

    @asynccontextmanager
    async def holding(self, tenant_id: UUID) -> AsyncIterator[None]:
        """Hold one connection's share inside the block.

        Raises:
            ResourceExhausted: OVERLOADED: the tenant's own calls use its share.
            Unavailable: calls of other tenants use all connections.
        """
        await self._acquire(tenant_id)
        try:
            yield
        finally:
            self._release(tenant_id)

    async def _acquire(self, tenant_id: UUID) -> None:
        if tenant_id not in self._waiting and self._places.admits(tenant_id):
            self._places.acquire(tenant_id)
            return
        queue = self._waiting.setdefault(tenant_id, deque())
        if len(queue) >= _MOST_WAITING:
            raise self._refusal(tenant_id)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(self._wait_s):
                await turn
        except TimeoutError:
            if not _was_given(turn):
                raise self._refusal(tenant_id) from None
        except BaseException:
            if _was_given(turn):
                self._release(tenant_id)
            raise
        finally:
            self._forget(tenant_id, turn)

    def _release(self, tenant_id: UUID) -> None:
        self._places.release(tenant_id)
        self._admit()

    def _admit(self) -> None:
        """Give free connections to waiting calls, one to each tenant in turn."""
        progress = True
        while progress:
            progress = False
            for tenant_id in tuple(self._waiting):
                if self._places.admits(tenant_id):
                    progress = self._admit_first(tenant_id) or progress

    def _admit_first(self, tenant_id: UUID) -> bool:
        queue = self._waiting[tenant_id]
        while queue:
            turn = queue.popleft()
            if not turn.done():
                self._places.acquire(tenant_id)
                turn.set_result(None)
                self._waiting.move_to_end(tenant_id)
                break
        else:
            del self._waiting[tenant_id]
            return False
        if not queue:
            del self._waiting[tenant_id]
        return True

    def _forget(self, tenant_id: UUID, turn: "asyncio.Future[None]") -> None:
        queue = self._waiting.get(tenant_id)
        if queue is None:
            return
        if turn in queue:
            queue.remove(turn)
        if not queue:
            del self._waiting[tenant_id]

    def _refusal(self, tenant_id: UUID) -> ResourceExhausted | Unavailable:
        held = self._places.held_by(tenant_id)
        if not held:
            return Unavailable("Database is busy. Try again.")
        actual = held + self.waiting_of(tenant_id)
        return ResourceExhausted(
            reasons.ERROR_REASON_OVERLOADED,
            f"Too many concurrent calls: this tenant has {actual} calls in progress or queued, limit {self._limit}. "
            "Send fewer at a time.",
            _RETRY_AFTER_S,
            limit=self._limit,
            actual=actual,
        )


def _was_given(turn: "asyncio.Future[None]") -> bool:
    return turn.done() and not turn.cancelled()
