"""Which shards are mine (semantics.md §5, §6): leases in PostgreSQL, by the database's clock, each with an epoch."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from services.checks.grid import SHARDS
from services.platform import logs
from services.platform.clock import SECOND_US
from services.platform.errors import Unavailable
from services.worker.clock import Reading, SharedClock, monotonic_us
from services.worker.metrics import Metrics
from services.worker.report import WorkerReport
from services.worker.schedule import Span

_log = logs.get("lease")
SHARDS_FREE = "shards_free"
"""The channel on which a worker tells the others that it has given shards up; the payload is its id."""
_RETRY_S = 0.5
# A lease that should have ended by now has ended.
_EXPIRED_S = 0.05
_FIRST_EPOCH = 0


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """The times of a lease, all derived from the first; they must be the same for every worker.

    Attributes:
        ttl_s: how long a lease lasts without being renewed.
    """

    ttl_s: float = 10.0

    @property
    def renew_s(self) -> float:
        """How often a worker renews its leases."""
        return self.ttl_s * 0.3

    @property
    def margin_s(self) -> float:
        """How long before its leases end a worker that cannot renew them stops firing."""
        return self.ttl_s * 0.1

    @property
    def cut_off_s(self) -> float:
        """After how long without a renewal a worker was cut off: leases of a round earlier may have expired."""
        return self.ttl_s - self.renew_s - self.margin_s

    @property
    def overdue_s(self) -> float:
        """After how long without a renewal a worker is overdue: two rounds and a second for a slow one."""
        return 2 * self.renew_s + 1.0


DEFAULT_TIMES = LeaseTimes()
TTL_S = DEFAULT_TIMES.ttl_s
RENEW_S = DEFAULT_TIMES.renew_s


def fair_share(live_workers: int) -> int:
    """How many shards a worker holds at the most, so that each has some."""
    return -(-SHARDS // max(1, live_workers))


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """What a worker holds from now on.

    Attributes:
        epochs: the epoch of each shard that it holds.
        reading: what the database's clock showed.
        free_in_s: when the next lease of another worker ends unless that renews it; None when no other holds any.
    """

    epochs: dict[int, int]
    reading: Reading
    free_in_s: float | None


class LeaseStore(Protocol):
    """What leasing needs from the database."""

    async def renew(
        self, worker_id: str, ttl_s: float, report: WorkerReport, *, claim_expired: bool, ahead_us: int | None = None
    ) -> Renewal:
        """Say that we live and how, and renew what is ours, expired or not, unless somebody has taken it.

        Give up what is over our fair share and tell the others. Up to our share, take shards that were given up, and
        with `claim_expired` those of others whose leases ended, unless the database's clock turns out to have been
        stepped forward: then leases look expired that are not. A lease that would last longer than any can, since the
        clock was stepped back, is shortened to what one lasts.

        Args:
            worker_id: who we are.
            ttl_s: how long leases last.
            report: how we are.
            claim_expired: whether to take shards of others whose leases have ended.
            ahead_us: how far the database's clock was ahead of our monotonic clock, if known.

        Raises:
            Unavailable: the database is away.
        """

    async def leave(self, worker_id: str) -> None:
        """Give all shards up and tell the others, for them to take at once."""


class Leases:
    """Holds this worker's share of the shards.

    Args:
        store: where leases are.
        worker_id: who we are.
        clock: set by what the database's shows.
        report: how we are.
        metrics: told of each round.
        times: how long leases last, and how often they are renewed.

    Attributes:
        outage: the last span of time in which the database could not be asked; up to now while it goes on.
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
        self._away = False
        self._outage: Span = (0, 0)
        self._patient_until_us = 0
        clock.on_step.append(self._on_step)

    @property
    def outage(self) -> Span:
        """The last span of time in which the database could not be asked."""
        if self._away:
            return self._outage[0], self._clock.now_us() + 1
        return self._outage

    @property
    def shards(self) -> int:
        """How many shards we held when we last renewed; may be asked from any thread."""
        return len(self._epochs)

    def hold(self) -> bool:
        """Whether our leases certainly hold, by our own monotonic clock."""
        return monotonic_us() < self._valid_until_us

    def epoch(self, shard: int) -> int:
        """The epoch under which we hold, or last held, a shard; what is recorded under another one counts no more."""
        return self._last_epochs.get(shard, _FIRST_EPOCH)

    def on_free(self, worker_id: str) -> None:
        """A worker has given shards up: look at once whether they are for us."""
        if worker_id != self._worker_id:
            self._free.set()

    async def on_connect(self) -> None:
        """We may not have been told."""
        self._free.set()

    async def run(self, on_change: Callable[[frozenset[int]], Awaitable[None]]) -> None:
        """Renew until cancelled; `on_change` is told which shards we hold whenever that changes."""
        while True:
            self._free.clear()
            asked_us = monotonic_us()
            # A worker that was cut off from the database may find leases expired of workers that were cut off with it.
            # It takes none of them before those had the time to come back.
            was_cut_off = self._renewed_us > 0 and asked_us - self._renewed_us > self._times.cut_off_s * SECOND_US
            claim_expired = not was_cut_off and asked_us >= self._patient_until_us
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
                await asyncio.sleep(_RETRY_S)
                continue
            if was_cut_off:
                # Others may come back some rounds later. Who has not come back within the time of a lease is dead.
                self._patient_until_us = monotonic_us() + int(self._times.ttl_s * SECOND_US)
            await self._renewed(renewal, asked_us, on_change)
            # Until it is time again; sooner when shards become free: given up, or those of a worker that has died.
            renew_s = self._times.renew_s
            free_in_s = renew_s if renewal.free_in_s is None else renewal.free_in_s + _EXPIRED_S
            with suppress(TimeoutError):
                await asyncio.wait_for(self._free.wait(), min(renew_s, free_in_s))

    async def leave(self) -> None:
        """Give all shards up."""
        self._valid_until_us = 0
        try:
            await self._store.leave(self._worker_id)
        except Unavailable:
            _log.warning("leases not released, they will expire: database unavailable")

    def _on_step(self, before_us: int, after_us: int) -> None:
        if after_us > before_us:
            # All leases look expired until their holders renew them: each has the time of one renewal.
            self._patient_until_us = monotonic_us() + int(self._times.overdue_s * SECOND_US)
        else:
            # What is still to come was not away.
            start_us, end_us = self._outage
            self._outage = min(start_us, after_us), min(end_us, after_us)

    def _lost(self, asked_us: int) -> None:
        self._metrics.not_renewed()
        _log.warning("lease renewal failed", firing=self.hold())
        if not self._away:
            self._away = True
            self._outage = (self._clock.now_us() - (monotonic_us() - asked_us), 0)

    async def _renewed(
        self, renewal: Renewal, asked_us: int, on_change: Callable[[frozenset[int]], Awaitable[None]]
    ) -> None:
        self._metrics.renewed()
        if self._away:
            self._outage = self.outage
            self._away = False
        # Only now: a step that is seen here is no part of the outage.
        self._clock.observe(renewal.reading)
        self._renewed_us = asked_us
        held = renewal.epochs
        if held != self._epochs:
            _log.info("shard assignment changed", held=len(held), before=len(self._epochs))
            # A new epoch means that the shard was somebody else's in between.
            kept = {shard for shard, epoch in held.items() if self._epochs.get(shard) == epoch}
            if kept != set(self._epochs):
                await on_change(frozenset(kept))
            self._epochs = held
            self._last_epochs |= held
            await on_change(frozenset(held))
        self._valid_until_us = asked_us + int((self._times.ttl_s - self._times.margin_s) * SECOND_US)
