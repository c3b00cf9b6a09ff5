"""Results on their way to the database: batched, in order, held while the database is away (semantics.md §11, §14).

What waits is bounded in number and age. What has to be dropped becomes MISSED with the reason DATABASE_AWAY, and is
written, before anything newer of the same check, once the database is back: dropped, but accounted for.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from services.common import logs
from services.common.clock import MINUTE_US, now_us
from services.common.errors import Unavailable
from services.common.outcome import ErrorKind, MissedReason, Outcome
from services.common.result import Result
from services.worker.metrics import Metrics
from services.worker.schedule import ScheduledCheck

_log = logs.get("record")
BATCH_S = 0.05
MOST_IN_A_BATCH = 2_000
MOST_WAITING = 100_000
LONGEST_WAIT_US = 15 * MINUTE_US
_FIRST_BACKOFF_S = 0.1
_LONGEST_BACKOFF_S = 2.0


@dataclass(frozen=True, slots=True)
class Pending:
    """A result, and the thresholds of its check when it was made."""

    result: Result
    failure_threshold: int
    recovery_threshold: int


class RecordStore(Protocol):
    """What recording needs from the database."""

    async def record(self, batch: Sequence[Pending]) -> int:
        """Write results and what they make of their checks' states in one transaction; answers how many were new.

        Raises:
            Unavailable: the database is away; nothing is known of the batch, and writing it again does no harm.
        """


class Recorder:
    """Takes results and writes them.

    Args:
        store: where they go.
        metrics: told of what is written and dropped.
    """

    def __init__(self, store: RecordStore, metrics: Metrics | None = None) -> None:
        self._store = store
        self._metrics = metrics or Metrics()
        self._waiting: deque[Pending] = deque()
        self._dropped: dict[UUID, Pending] = {}
        self._writing: Sequence[Pending] = ()
        self._added = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def add(self, result: Result, check: ScheduledCheck) -> None:
        """Take a result; those of one check come in the order of their slots."""
        self._waiting.append(Pending(result, check.failure_threshold, check.recovery_threshold))
        self._idle.clear()
        self._added.set()
        if len(self._waiting) > MOST_WAITING:
            self._drop_oldest()

    @property
    def waiting(self) -> int:
        """How many results are not written yet; may be asked from any thread."""
        return len(self._waiting) + len(self._writing) + len(self._dropped)

    async def flushed(self) -> None:
        """Return when everything that was added is written."""
        await self._idle.wait()

    async def drain(self, patience_s: float) -> None:
        """Wait for what was added to be written, but not for ever."""
        try:
            await asyncio.wait_for(self.flushed(), patience_s)
        except TimeoutError:
            # Their slots are behind the last accounted one, so whoever holds the checks next accounts for them.
            _log.error("stopping with results that could not be written", results=len(self._waiting))

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._added.wait()
            await asyncio.sleep(BATCH_S)
            self._added.clear()
            while self._waiting or self._dropped:
                self._writing = [*self._dropped.values(), *self._take()]
                self._dropped.clear()
                await self._write(self._writing)
                self._writing = ()
            self._idle.set()

    def _take(self) -> list[Pending]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_BATCH))]

    async def _write(self, batch: Sequence[Pending]) -> None:
        """Write a batch, however long the database is away."""
        backoff = _FIRST_BACKOFF_S
        while True:
            begun = time.monotonic()
            try:
                new = await self._store.record(batch)
            except Unavailable:
                _log.warning("the database is away; results wait", waiting=len(self._waiting) + len(batch))
            except Exception:  # noqa: BLE001 — whatever a single result may break, the others must be written
                _log.exception("a batch could not be written", results=len(batch))
                await self._write_apart(batch)
                return
            else:
                self._metrics.written(len(batch), time.monotonic() - begun)
                if new < len(batch):
                    _log.info("slots were accounted for already", slots=len(batch) - new)
                return
            self._drop_old()
            await asyncio.sleep(backoff * random.uniform(0.5, 1.5))  # noqa: S311 — jitter, not a secret
            backoff = min(backoff * 2, _LONGEST_BACKOFF_S)

    async def _write_apart(self, batch: Sequence[Pending]) -> None:
        """Find what cannot be written by halves; it becomes an ERROR of ours, without what may have been wrong."""
        if len(batch) == 1:
            pending = batch[0]
            bare = _as_error(pending)
            if pending == bare:
                _log.error("a result is lost", check_id=str(pending.result.check_id), slot_us=pending.result.slot_us)
                return
            await self._write([bare])
            return
        middle = len(batch) // 2
        await self._write(batch[:middle])
        await self._write(batch[middle:])

    def _drop_old(self) -> None:
        while self._waiting and now_us() - self._waiting[0].result.slot_us > LONGEST_WAIT_US:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        pending = self._waiting.popleft()
        result = pending.result
        self._metrics.dropped(1)
        if result.outcome is not Outcome.MISSED:  # else it was counted when it was
            self._metrics.missed(MissedReason.DATABASE_AWAY, result.slot_count)
        before = self._dropped.get(result.check_id)
        if before is None or result.interval_us != before.result.interval_us:
            self._dropped[result.check_id] = Pending(
                _as_missed(result, result.slot_count), pending.failure_threshold, pending.recovery_threshold
            )
            return
        span = result.slot_us - before.result.slot_us
        count = span // result.interval_us + result.slot_count
        self._dropped[result.check_id] = replace(before, result=_as_missed(before.result, count))


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


def _as_error(pending: Pending) -> Pending:
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
        error_message="internal error",
        attempt=1,
    )
    return replace(pending, result=bare)
