"""Leases of shards in PostgreSQL (semantics.md §5, §6): by the database's clock, each with an epoch."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from services.checks.grid import SHARDS
from services.platform import logs
from services.platform.clock import SECOND_US
from services.platform.errors import Unavailable
from services.platform.retry import Backoff, Retry
from services.worker.clock import Reading, SharedClock, monotonic_us
from services.worker.metrics import Metrics
from services.worker.report import WorkerReport
from services.worker.schedule import Span

_log = logs.get("lease")
SHARDS_FREE = "shards_free"
"""The channel on which a worker announces that it released shards; the payload is its id."""
# A worker is back before the others may take its shards: the shortest TTL is 3 s.
_BACKOFF = Backoff(first_s=0.5, longest_s=1.0)
# How much later than its end a lease has certainly expired.
_EXPIRED_S = 0.05
_FIRST_EPOCH = 0


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """The times of a lease, all derived from its TTL; they must be the same on every worker.

    Attributes:
        ttl_s: how long a lease lasts without renewal, in seconds.
    """

    ttl_s: float = 10.0

    @property
    def renew_s(self) -> float:
        """The interval of renewals."""
        return self.ttl_s * 0.3

    @property
    def margin_s(self) -> float:
        """How long before the end of its leases a worker that cannot renew them stops starting runs."""
        return self.ttl_s * 0.1

    @property
    def cut_off_s(self) -> float:
        """The time without renewal after which a worker was cut off: leases of an earlier round may have expired."""
        return self.ttl_s - self.renew_s - self.margin_s

    @property
    def overdue_s(self) -> float:
        """The time without renewal after which a worker is overdue: two rounds, and a second for a slow one."""
        return 2 * self.renew_s + 1.0


DEFAULT_TIMES = LeaseTimes()
TTL_S = DEFAULT_TIMES.ttl_s
RENEW_S = DEFAULT_TIMES.renew_s


def fair_share(live_workers: int) -> int:
    """Return the maximum number of shards per worker."""
    return -(-SHARDS // max(1, live_workers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """The result of a renewal.

    Attributes:
        epochs: the epoch of each shard that it holds.
        reading: the reading of the database's clock.
        free_in_s: seconds until the next lease of another worker ends unless renewed; None if no other holds any.
    """

    epochs: dict[int, int]
    reading: Reading
    free_in_s: float | None


class LeaseStore(Protocol):
    """The database operations of leasing."""

    async def renew(
        self, worker_id: str, ttl_s: float, report: WorkerReport, *, claim_expired: bool, ahead_us: int | None = None
    ) -> Renewal:
        """Report that this worker is live, and renew its leases, expired or not, unless another worker has taken them.

        Release shards beyond the fair share and notify the others. Up to the share, claim released shards, and with
        `claim_expired` those with expired leases, unless the database's clock turns out to have been stepped forward,
        in which case leases only look expired. A lease that lasts longer than the TTL, because the clock was stepped
        back, is shortened to it.

        Args:
            worker_id: this worker.
            ttl_s: how long leases last.
            report: the report about this worker.
            claim_expired: whether to claim shards of others whose leases have expired.
            ahead_us: how far the database's clock was ahead of our monotonic clock, if known.

        Raises:
            Unavailable: the database is unavailable.
        """

    async def leave(self, worker_id: str) -> None:
        """Release all shards and notify the others, so that they claim them at once."""


class Leases:
    """The leases of this worker.

    Args:
        store: the leases in PostgreSQL.
        worker_id: this worker.
        clock: the clock, which is updated by each renewal.
        report: returns the report about this worker.
        metrics: counts renewals.
        times: the times of leases.

    Attributes:
        outage: the last span in which the database was unavailable; it ends now while it continues.
    """

    def __init__(
        self,
        store: LeaseStore,
        worker_id: str,
        clock: SharedClock,
        report: Callable[[], WorkerReport],
        metrics: Metrics | None = None,
        times: LeaseTimes = DEFAULT_TIMES,
    ) -> None:
        self._store = store
        self._times = times
        self._worker_id = worker_id
        self._clock = clock
        self._report = report
        self._metrics = metrics or Metrics()
        self._epochs: dict[int, int] = {}
        self._last_epochs: dict[int, int] = {}
        self._free = asyncio.Event()
        self._renewed_us = 0
        self._valid_until_us = 0
        self._is_away = False
        self._outage: Span = (0, 0)
        self._claim_not_before_us = 0
        clock.on_step.append(self._on_step)

    @property
    def outage(self) -> Span:
        """The last span in which the database was unavailable."""
        if self._is_away:
            return self._outage[0], self._clock.now_us() + 1
        return self._outage

    @property
    def shards(self) -> int:
        """How many shards were held at the last renewal; may be read from any thread."""
        return len(self._epochs)

    def hold(self) -> bool:
        """Return whether the leases certainly hold, by the monotonic clock of this worker."""
        return monotonic_us() < self._valid_until_us

    def epoch(self, shard: int) -> int:
        """Return the epoch under which a shard is or was held; results of another epoch do not count."""
        return self._last_epochs.get(shard, _FIRST_EPOCH)

    def on_free(self, worker_id: str) -> None:
        """Renew at once, because another worker released shards."""
        if worker_id != self._worker_id:
            self._free.set()

    async def on_connect(self) -> None:
        """Renew at once, because notifications may have been lost."""
        self._free.set()

    async def run(self, on_change: Callable[[frozenset[int]], Awaitable[None]]) -> None:
        """Renew until cancelled; call `on_change` with the held shards whenever they change."""
        retry = Retry(_BACKOFF)
        while True:
            self._free.clear()
            asked_us = monotonic_us()
            # A worker that was cut off may find expired leases of workers that were cut off with it. It claims none of
            # them before those had time to reconnect.
            was_cut_off = self._renewed_us > 0 and asked_us - self._renewed_us > self._times.cut_off_s * SECOND_US
            claim_expired = not was_cut_off and asked_us >= self._claim_not_before_us
            try:
                renewal = await self._store.renew(
                    self._worker_id,
                    self._times.ttl_s,
                    self._report(),
                    claim_expired=claim_expired,
                    ahead_us=self._clock.ahead_us,
                )
            except Unavailable:
                self._lost(asked_us)
                await retry.pause()
                continue
            retry.succeeded()
            if was_cut_off:
                # Others may reconnect some rounds later. One that has not within the TTL is dead.
                self._claim_not_before_us = monotonic_us() + int(self._times.ttl_s * SECOND_US)
            await self._renewed(renewal, asked_us, on_change)
            # Until the next round; sooner if shards become free: released ones, or those of a dead worker.
            renew_s = self._times.renew_s
            free_in_s = renew_s if renewal.free_in_s is None else renewal.free_in_s + _EXPIRED_S
            with suppress(TimeoutError):
                async with asyncio.timeout(min(renew_s, free_in_s)):
                    await self._free.wait()

    async def leave(self) -> None:
        """Release all shards."""
        self._valid_until_us = 0
        try:
            await self._store.leave(self._worker_id)
        except Unavailable:
            _log.warning("leases not released, they will expire: database unavailable")

    def _on_step(self, before_us: int, after_us: int) -> None:
        if after_us > before_us:
            # All leases look expired until their holders renew them: wait for one renewal.
            self._claim_not_before_us = monotonic_us() + int(self._times.overdue_s * SECOND_US)
        else:
            # An outage cannot lie in the future.
            start_us, end_us = self._outage
            self._outage = min(start_us, after_us), min(end_us, after_us)

    def _lost(self, asked_us: int) -> None:
        self._metrics.not_renewed()
        _log.warning("lease renewal failed", firing=self.hold())
        if not self._is_away:
            self._is_away = True
            self._outage = (self._clock.now_us() - (monotonic_us() - asked_us), 0)

    async def _renewed(
        self, renewal: Renewal, asked_us: int, on_change: Callable[[frozenset[int]], Awaitable[None]]
    ) -> None:
        self._metrics.renewed()
        if self._is_away:
            self._outage = self.outage
            self._is_away = False
        # Only now: a step that is seen here is not part of the outage.
        self._clock.observe(renewal.reading)
        self._renewed_us = asked_us
        held = renewal.epochs
        if held != self._epochs:
            _log.info("shard assignment changed", held=len(held), before=len(self._epochs))
            # A new epoch means that another worker held the shard in between.
            kept = {shard for shard, epoch in held.items() if self._epochs.get(shard) == epoch}
            if kept != set(self._epochs):
                await on_change(frozenset(kept))
            self._epochs = held
            self._last_epochs |= held
            await on_change(frozenset(held))
        self._valid_until_us = asked_us + int((self._times.ttl_s - self._times.margin_s) * SECOND_US)
