"""Which shards are mine (semantics.md §5, §6): leases in PostgreSQL, by the database's clock, each with an epoch."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from services.common import logs
from services.common.errors import Unavailable
from services.common.grid import SHARDS
from services.worker.metrics import Metrics
from services.worker.report import WorkerReport

_log = logs.get("lease")
TTL_S = 10.0
RENEW_S = 3.0
# We stop firing this long before the database may give our shards away.
_MARGIN_S = 1.0


def fair_share(live_workers: int) -> int:
    """How many shards a worker holds at the most, so that each has some."""
    return -(-SHARDS // max(1, live_workers))


class LeaseStore(Protocol):
    """What leasing needs from the database."""

    async def renew(self, worker_id: str, ttl_s: float, report: WorkerReport) -> dict[int, int]:
        """Say that we live and how, renew what is ours, take or give up to our fair share; answers shard → epoch.

        Raises:
            Unavailable: the database is away.
        """

    async def leave(self, worker_id: str) -> None:
        """Give all shards up, for others to take at once."""


class Leases:
    """Holds this worker's share of the shards.

    Args:
        store: where leases are.
        worker_id: who we are.
        report: how we are.
        metrics: told of each round.
    """

    def __init__(
        self, store: LeaseStore, worker_id: str, report: Callable[[], WorkerReport], metrics: Metrics | None = None
    ) -> None:
        self._store = store
        self._worker_id = worker_id
        self._report = report
        self._metrics = metrics or Metrics()
        self._held: dict[int, int] = {}
        self._valid_until = 0.0

    @property
    def shards(self) -> int:
        """How many shards we held when we last renewed; may be asked from any thread."""
        return len(self._held)

    def hold(self) -> bool:
        """Whether our leases certainly hold, by our own monotonic clock."""
        return time.monotonic() < self._valid_until

    async def run(self, on_change: Callable[[frozenset[int]], Awaitable[None]]) -> None:
        """Renew until cancelled; `on_change` is told which shards we hold whenever that changes."""
        while True:
            asked = time.monotonic()
            try:
                held = await self._store.renew(self._worker_id, TTL_S, self._report())
            except Unavailable:
                self._metrics.not_renewed()
                _log.warning("leases could not be renewed", firing=self.hold())
            else:
                self._metrics.renewed()
                if held != self._held:
                    _log.info("shards", held=len(held), before=len(self._held))
                    # A new epoch means that the shard was somebody else's in between.
                    kept = {shard for shard, epoch in held.items() if self._held.get(shard) == epoch}
                    if kept != set(self._held):
                        await on_change(frozenset(kept))
                    self._held = held
                    await on_change(frozenset(held))
                self._valid_until = asked + TTL_S - _MARGIN_S
            await asyncio.sleep(RENEW_S)

    async def leave(self) -> None:
        """Give all shards up."""
        self._valid_until = 0.0
        try:
            await self._store.leave(self._worker_id)
        except Unavailable:
            _log.warning("the database is away; the leases run out by themselves")
