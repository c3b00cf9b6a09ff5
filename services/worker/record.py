"""Results on their way to the database: batched, in order, held while the database is away (semantics.md §11, §14).

What waits is bounded in bytes and age. What has to be dropped becomes MISSED with the reason DATABASE_AWAY, and is
written, before anything newer of the same check, once the database is back: dropped, but accounted for.

A result whose slot is not due by the database's clock, since that was stepped back, is held until it is
(docs/adr/0034).
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from services.checks.grid import PAUSE_LIMIT_US
from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.result import Result
from services.platform import logs
from services.platform.clock import MINUTE_US, SECOND_US
from services.platform.errors import Unavailable
from services.worker.clock import Reading, SharedClock
from services.worker.metrics import Metrics
from services.worker.schedule import ScheduledCheck

if TYPE_CHECKING:
    from services.worker.guard import SelfFaultGuard

_log = logs.get("record")
BATCH_S = 0.05
MOST_IN_A_BATCH = 2_000
MOST_BYTES = 256 * 1024 * 1024
LONGEST_WAIT_US = 15 * MINUTE_US
# What a result with its numbers, ids and times holds in memory, beside its message.
_RESULT_BYTES = 1_024
# What a failed assertion holds with its texts.
_OUTCOME_BYTES = 1_024
# What a failed attempt holds beside its message.
_ATTEMPT_BYTES = 256
_FIRST_BACKOFF_S = 0.1
_LONGEST_BACKOFF_S = 2.0


@dataclass(frozen=True, slots=True)
class Pending:
    """A result that is to be written.

    Attributes:
        result: the result.
        check: its check as it was when the slot was run.
        epoch: the epoch of the lease on the check's shard under which it was run.
    """

    result: Result
    check: ScheduledCheck
    epoch: int

    @property
    def bytes(self) -> int:
        """About what it holds in memory."""
        result = self.result
        attempts = sum(_ATTEMPT_BYTES + len(each.error_message) for each in result.failed_attempts)
        return _RESULT_BYTES + len(result.error_message) + _OUTCOME_BYTES * len(result.failed_assertions) + attempts


Admit = Callable[[Reading], Sequence[Pending]]
"""Return what of a batch may be recorded at the time that a reading of the database's clock shows."""


class RecordStore(Protocol):
    """What recording needs from the database."""

    async def record(self, batch: Sequence[Pending], admit: Admit | None = None) -> int:
        """Write results and what they make of their checks' states in one transaction; return how many counted.

        Args:
            batch: the results.
            admit: called in the transaction, once the states are locked; without it the whole batch is recorded.

        Raises:
            Unavailable: the database is away; nothing is known of the batch, and writing it again does no harm.
        """


def split_due(
    batch: Sequence[Pending], now_us: int, held: Collection[UUID] = ()
) -> tuple[list[Pending], list[Pending]]:
    """Return what of a batch is due, and what is not yet, both in its order.

    What comes after something of the same check that is not due waits with it. Of a range of missed slots the part that
    is not due becomes one of its own, missed since the clock was stepped.

    Args:
        batch: results; those of one check in the order of their slots.
        now_us: the time by the database's clock.
        held: the checks of which earlier results are held already.
    """
    due: list[Pending] = []
    early: list[Pending] = []
    waiting = set(held)
    for pending in batch:
        result = pending.result
        count = 0 if result.check_id in waiting else max(0, (now_us - result.slot_us) // result.interval_us + 1)
        if count >= result.slot_count:
            due.append(pending)
            continue
        waiting.add(result.check_id)
        if count:
            due.append(replace(pending, result=replace(result, slot_count=count)))
            slot_us = result.slot_us + count * result.interval_us
            result = replace(
                result,
                slot_us=slot_us,
                slot_count=result.slot_count - count,
                missed_reason=MissedReason.CLOCK_STEP,
            )
        elif result.outcome is Outcome.MISSED:
            result = replace(result, missed_reason=MissedReason.CLOCK_STEP)
        early.append(replace(pending, result=result))
    return due, early


class Recorder:
    """Takes results and writes them.

    Args:
        store: where they go.
        guard: looks at each batch first.
        epoch: the epoch under which we hold a shard.
        clock: what slots go by.
        metrics: told of what is written and dropped.
    """

    def __init__(
        self,
        store: RecordStore,
        guard: "SelfFaultGuard",
        epoch: Callable[[int], int],
        clock: SharedClock,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._guard = guard
        self._epoch = epoch
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._waiting: deque[Pending] = deque()
        self._bytes = 0
        self._writing: Sequence[Pending] = ()
        self._dropped: dict[UUID, list[Pending]] = {}
        # What is not due by the database's clock, by check and in the order of slots.
        self._early: dict[UUID, list[Pending]] = {}
        self._early_count = 0
        self._added = asyncio.Event()
        # How many were ever added, and how many of those, from the first on, wait no longer.
        self._count = 0
        self._settled = 0
        self._progress = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many results are not written yet; may be asked from any thread."""
        return len(self._waiting) + len(self._writing) + len(self._dropped) + self._early_count

    @property
    def bytes_waiting(self) -> int:
        """About what waits holds in memory; may be asked from any thread."""
        return self._bytes

    def add(self, result: Result, check: ScheduledCheck) -> None:
        """Take a result; those of one check come in the order of their slots."""
        pending = Pending(result, check, self._epoch(check.shard))
        self._waiting.append(pending)
        self._bytes += pending.bytes
        self._count += 1
        self._added.set()
        while self._bytes > MOST_BYTES:
            self._drop_oldest()

    async def flushed(self) -> None:
        """Return when everything that was added so far is written; under load there is always something newer.

        What is held until its slot is due is not waited for.
        """
        so_far = self._count
        while self._settled < so_far:
            await self._progress.wait()

    async def drain(self, patience_s: float) -> None:
        """Wait for what was added to be written, but not for ever."""
        try:
            await asyncio.wait_for(self.flushed(), patience_s)
        except TimeoutError:
            # Their slots are behind the last accounted one, so whoever holds the checks next accounts for them.
            _log.error("stopping with unwritten results", results=len(self._waiting))

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._added.wait(), self._early_in_s())
            await asyncio.sleep(BATCH_S)
            self._added.clear()
            while self._waiting or self._dropped or self._early_in_s() == 0:
                dropped = [pending for each in self._dropped.values() for pending in each]
                self._dropped.clear()
                later = [*dropped, *self._take()]
                self._writing = [*self._take_early({pending.check.id for pending in later}), *later]
                await self._write(await self._guard.vet(self._writing))
                self._writing = ()
                if not self._dropped:  # else the oldest of what waits is there
                    self._settled = self._count - len(self._waiting)
                    self._progress.set()
                    self._progress.clear()

    def _take(self) -> list[Pending]:
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_BATCH))]
        self._bytes -= sum(pending.bytes for pending in taken)
        return taken

    def _early_in_s(self) -> float | None:
        """Return in how many seconds the first held result is due; None when none is held."""
        if not self._early:
            return None
        slot_us = min(each[0].result.slot_us for each in self._early.values())
        return max(0, slot_us - self._clock.now_us()) / SECOND_US

    def _take_early(self, checks: Collection[UUID]) -> list[Pending]:
        """Take the held results of some checks, and those that are due by now."""
        now_us = self._clock.now_us()
        taken = [
            check_id for check_id, each in self._early.items() if check_id in checks or each[0].result.slot_us <= now_us
        ]
        early = [pending for check_id in taken for pending in self._early.pop(check_id)]
        self._early_count -= len(early)
        return early

    def _hold_early(self, early: Sequence[Pending], now_us: int) -> None:
        """Hold what is not due yet; what lies further ahead than the grid waits for is run again instead."""
        kept = [each for each in early if each.result.slot_us <= now_us + PAUSE_LIMIT_US]
        for pending in kept:
            self._early.setdefault(pending.check.id, []).append(pending)
        self._early_count += len(kept)
        _log.info("results are ahead of the database clock", held=len(kept), discarded=len(early) - len(kept))

    async def _write(self, batch: Sequence[Pending]) -> None:
        """Write a batch, however long the database is away."""
        backoff = _FIRST_BACKOFF_S
        due: Sequence[Pending] = batch
        early: Sequence[Pending] = ()
        database_us = 0

        def admit(reading: Reading) -> Sequence[Pending]:
            nonlocal due, early, database_us
            self._clock.observe(reading)
            database_us = reading.database_us
            due, early = split_due(batch, database_us, self._early)
            return due

        while True:
            begun = time.monotonic()
            try:
                new = await self._store.record(batch, admit)
            except Unavailable:
                _log.warning("results cannot be written: database unavailable", waiting=len(self._waiting) + len(batch))
            except Exception:  # noqa: BLE001 — whatever a single result may break, the others must be written
                _log.exception("writing a batch of results failed", results=len(batch))
                await self._write_apart(batch)
                return
            else:
                if early:
                    self._hold_early(early, database_us)
                self._metrics.written(len(due), time.monotonic() - begun)
                if new < len(due):
                    _log.info("discarded results: stale lease epoch or already recorded", slots=len(due) - new)
                return
            self._drop_old()
            await asyncio.sleep(backoff * random.uniform(0.5, 1.5))  # noqa: S311 — jitter, not a secret
            backoff = min(backoff * 2, _LONGEST_BACKOFF_S)

    async def _write_apart(self, batch: Sequence[Pending]) -> None:
        """Find what cannot be written by halves; it becomes an ERROR of ours, without what may have been wrong."""
        if len(batch) == 1:
            pending = batch[0]
            bare = as_error(pending, "internal error")
            if pending == bare:
                _log.error(
                    "result cannot be written, dropped",
                    check_id=str(pending.check.id),
                    slot_us=pending.result.slot_us,
                )
                return
            await self._write([bare])
            return
        middle = len(batch) // 2
        await self._write(batch[:middle])
        await self._write(batch[middle:])

    def _drop_old(self) -> None:
        while self._waiting and self._clock.now_us() - self._waiting[0].result.slot_us > LONGEST_WAIT_US:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        pending = self._waiting.popleft()
        self._bytes -= pending.bytes
        result = pending.result
        self._metrics.dropped(1)
        if result.outcome is not Outcome.MISSED:  # else it was counted when it was
            self._metrics.missed(MissedReason.DATABASE_AWAY, result.slot_count)
        dropped = self._dropped.setdefault(pending.check.id, [])
        if dropped and dropped[-1].epoch == pending.epoch and dropped[-1].result.interval_us == result.interval_us:
            first = dropped.pop()
            count = (result.slot_us - first.result.slot_us) // result.interval_us + result.slot_count
            dropped.append(Pending(_as_missed(first.result, count), pending.check, pending.epoch))
        else:
            dropped.append(Pending(_as_missed(result, result.slot_count), pending.check, pending.epoch))


def _as_missed(result: Result, count: int) -> Result:
    return Result(
        tenant_id=result.tenant_id,
        service_id=result.service_id,
        check_id=result.check_id,
        slot_us=result.slot_us,
        interval_us=result.interval_us,
        outcome=Outcome.MISSED,
        worker_id=result.worker_id,
        missed_reason=MissedReason.DATABASE_AWAY,
        slot_count=count,
    )


def as_error(pending: Pending, message: str) -> Pending:
    """The same slot as an ERROR of ours (semantics.md §9)."""
    result = pending.result
    bare = Result(
        tenant_id=result.tenant_id,
        service_id=result.service_id,
        check_id=result.check_id,
        slot_us=result.slot_us,
        interval_us=result.interval_us,
        outcome=Outcome.ERROR,
        worker_id=result.worker_id,
        start_us=result.start_us,
        error_kind=ErrorKind.INTERNAL,
        error_message=message,
        attempt=max(1, result.attempt),
    )
    return Pending(bare, pending.check, pending.epoch)
