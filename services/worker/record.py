"""The recorder: results are batched, written in order, and held during an outage (semantics.md §11, §14).

What waits is bounded in bytes and age. A dropped result becomes MISSED with the reason DATABASE_AWAY, which is written
before any newer result of the same check, so its slot is still accounted for.

A result whose slot is in the future by the database's clock, because that was stepped back, is held until it is due
(docs/adr/0034).
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from services.checks.grid import PAUSE_LIMIT_US
from services.checks.outcome import MissedReason, Outcome
from services.checks.result import Result
from services.platform import logs
from services.platform.clock import MINUTE_US, SECOND_US
from services.platform.errors import Unavailable
from services.platform.retry import Backoff, Retry
from services.worker.clock import Reading, SharedClock
from services.worker.metrics import Metrics
from services.worker.results import as_error, as_missed
from services.worker.schedule import ScheduledCheck

if TYPE_CHECKING:
    from services.worker.self_fault_guard import SelfFaultGuard

_log = logs.get("record")
BATCH_S = 0.05
MOST_IN_A_BATCH = 2_000
MOST_BYTES = 256 * 1024 * 1024
LONGEST_WAIT_US = 15 * MINUTE_US
# The memory of a result with its numbers, ids and times, without its message.
_RESULT_BYTES = 1_024
# The memory of a failed assertion with its texts.
_OUTCOME_BYTES = 1_024
# The memory of a failed attempt without its message.
_ATTEMPT_BYTES = 256
_BACKOFF = Backoff(first_s=0.1, longest_s=2.0)


@dataclass(frozen=True, slots=True)
class Pending:
    """A result to be written.

    Attributes:
        result: the result.
        check: its check as it was when the slot was run.
        epoch: the epoch of the shard's lease under which it was run.
    """

    result: Result
    check: ScheduledCheck
    epoch: int

    @property
    def bytes(self) -> int:
        """Its approximate memory."""
        result = self.result
        attempts = sum(_ATTEMPT_BYTES + len(each.error_message) for each in result.failed_attempts)
        return _RESULT_BYTES + len(result.error_message) + _OUTCOME_BYTES * len(result.failed_assertions) + attempts


Admit = Callable[[Reading], Sequence[Pending]]
"""Return what of a batch may be recorded at the time of a reading of the database's clock."""


class RecordStore(Protocol):
    """The database operation of recording."""

    async def record(self, batch: Sequence[Pending], admit: Admit | None = None) -> int:
        """Write results and the resulting states in one transaction; return how many counted.

        Args:
            batch: the results.
            admit: called in the transaction, once the states are locked; without it the whole batch is recorded.

        Raises:
            Unavailable: the database is unavailable; the outcome is unknown, and writing the batch again does no harm.
        """


def split_due(
    batch: Sequence[Pending], now_us: int, held: Collection[UUID] = ()
) -> tuple[list[Pending], list[Pending]]:
    """Split a batch into what is due and what is not, both in order.

    Results after one of the same check that is not due wait with it. The part of a range of missed slots that is not
    due becomes a range of its own, with the reason CLOCK_STEP.

    Args:
        batch: the results; those of one check in the order of their slots.
        now_us: the time of the database's clock.
        held: the checks with earlier results that are held already.
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
    """Receives results and writes them in batches.

    Args:
        store: writes results to PostgreSQL.
        guard: vets each batch first.
        epoch: returns the epoch under which a shard is held.
        clock: the clock of slots.
        metrics: counts written and dropped results.
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
        # Results that are not due by the database's clock, by check and in the order of slots.
        self._early: dict[UUID, list[Pending]] = {}
        self._early_count = 0
        self._added = asyncio.Event()
        # How many results were ever added, and how many of those, from the first on, no longer wait.
        self._count = 0
        self._settled = 0
        self._progress = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many results are not written yet; may be read from any thread."""
        return len(self._waiting) + len(self._writing) + len(self._dropped) + self._early_count

    @property
    def bytes_waiting(self) -> int:
        """The approximate memory of waiting results; may be read from any thread."""
        return self._bytes

    def add(self, result: Result, check: ScheduledCheck) -> None:
        """Queue a result; those of one check have to come in the order of their slots."""
        pending = Pending(result, check, self._epoch(check.shard))
        self._waiting.append(pending)
        self._bytes += pending.bytes
        self._count += 1
        self._added.set()
        while self._bytes > MOST_BYTES:
            self._drop_oldest()

    async def flushed(self) -> None:
        """Wait until all results that were added so far are written; later ones are not waited for.

        Results that are held until they are due are not waited for either.
        """
        so_far = self._count
        while self._settled < so_far:
            await self._progress.wait()

    async def drain(self, patience_s: float) -> None:
        """Wait for all results to be written, but not longer than some seconds."""
        try:
            async with asyncio.timeout(patience_s):
                await self.flushed()
        except TimeoutError:
            # Their slots are after the account, so the next holder of the checks accounts for them.
            _log.error("stopping with unwritten results", results=len(self._waiting))

    async def run(self) -> None:
        """Write batches until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._early_in_s()):
                    await self._added.wait()
            await asyncio.sleep(BATCH_S)
            self._added.clear()
            while self._waiting or self._dropped or self._early_in_s() == 0:
                dropped = [pending for each in self._dropped.values() for pending in each]
                self._dropped.clear()
                later = [*dropped, *self._take()]
                self._writing = [*self._take_early({pending.check.id for pending in later}), *later]
                await self._write(await self._guard.vet(self._writing))
                self._writing = ()
                if not self._dropped:  # otherwise the oldest waiting results are there
                    self._settled = self._count - len(self._waiting)
                    self._progress.set()
                    self._progress.clear()

    def _take(self) -> list[Pending]:
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_BATCH))]
        self._bytes -= sum(pending.bytes for pending in taken)
        return taken

    def _early_in_s(self) -> float | None:
        """Return the seconds until the first held result is due; None if none is held."""
        if not self._early:
            return None
        slot_us = min(each[0].result.slot_us for each in self._early.values())
        return max(0, slot_us - self._clock.now_us()) / SECOND_US

    def _take_early(self, checks: Collection[UUID]) -> list[Pending]:
        """Return the held results of some checks, and those that are due by now, and hold them no longer."""
        now_us = self._clock.now_us()
        taken = [
            check_id for check_id, each in self._early.items() if check_id in checks or each[0].result.slot_us <= now_us
        ]
        early = [pending for check_id in taken for pending in self._early.pop(check_id)]
        self._early_count -= len(early)
        return early

    def _hold_early(self, early: Sequence[Pending], now_us: int) -> None:
        """Hold results that are not due; drop those beyond PAUSE_LIMIT_US, whose slots are run again."""
        kept = [each for each in early if each.result.slot_us <= now_us + PAUSE_LIMIT_US]
        for pending in kept:
            self._early.setdefault(pending.check.id, []).append(pending)
        self._early_count += len(kept)
        _log.info("results are ahead of the database clock", held=len(kept), discarded=len(early) - len(kept))

    async def _write(self, batch: Sequence[Pending]) -> None:
        """Write a batch, and retry while the database is unavailable."""
        retry = Retry(_BACKOFF)
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
            await retry.pause()

    async def _write_apart(self, batch: Sequence[Pending]) -> None:
        """Find results that cannot be written by bisection; write an ERROR without their details instead."""
        if len(batch) == 1:
            pending = batch[0]
            bare = replace(pending, result=as_error(pending.result, "internal error"))
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
        if result.outcome is not Outcome.MISSED:  # otherwise it was counted already
            self._metrics.missed(MissedReason.DATABASE_AWAY, result.slot_count)
        dropped = self._dropped.setdefault(pending.check.id, [])
        if dropped and dropped[-1].epoch == pending.epoch and dropped[-1].result.interval_us == result.interval_us:
            first = dropped.pop()
            count = (result.slot_us - first.result.slot_us) // result.interval_us + result.slot_count
            dropped.append(Pending(as_missed(first.result, count), pending.check, pending.epoch))
        else:
            dropped.append(Pending(as_missed(result, result.slot_count), pending.check, pending.epoch))
