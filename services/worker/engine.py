"""Starts the runs that are due: dispatch → probe → record, only while this worker holds its leases."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from services.checks.outcome import ErrorKind, Outcome
from services.platform import logs
from services.platform.clock import SECOND_US
from services.worker.clock import SharedClock
from services.worker.dispatch import Dispatcher, MissedSlots, Run
from services.worker.metrics import Metrics
from services.worker.probe import Prober
from services.worker.record import Recorder
from services.worker.results import to_missed
from services.worker.schedule import ScheduledCheck, Watermark

if TYPE_CHECKING:
    from services.worker.lease import Leases

_log = logs.get("engine")
# The database's clock may be stepped, so the schedule is checked at least this often.
_LONGEST_NAP_S = 1.0
# Slots that are due within this time start in one batch: one timer for all of them costs less than one timer each.
TICK_S = 0.005
_FENCED_NAP_S = 0.2
# A timer that fires this late means that the process was stopped, starved of CPU time or swapped out.
_STALL_S = 0.5
# The error kinds that a stall of this process can cause in a run.
_STALL_KINDS = frozenset({ErrorKind.DNS, ErrorKind.CONNECT_TIMEOUT, ErrorKind.TIMEOUT})


class Engine:
    """Runs the checks that this worker holds.

    Args:
        prober: executes one run.
        recorder: records the results.
        worker_id: the id of this worker, for the results of missed slots.
        dispatcher: selects the runs to start.
        lease: the leases of this worker; no run starts without them.
        clock: the clock of slots.
        metrics: counts runs and missed slots.
    """

    def __init__(
        self,
        prober: Prober,
        recorder: Recorder,
        worker_id: str,
        dispatcher: Dispatcher,
        lease: "Leases",
        clock: SharedClock,
        metrics: Metrics | None = None,
    ) -> None:
        self._prober = prober
        self._recorder = recorder
        self._worker_id = worker_id
        self._dispatcher = dispatcher
        self._lease = lease
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._tasks: dict[Run, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0
        self._ticked_at = 0.0
        self._stalled_at = 0.0
        self._stopped = False
        self._is_paused = False

    def checks(self) -> list[ScheduledCheck]:
        """Return the checks that this worker holds."""
        return self._dispatcher.checks()

    def check(self, check_id: UUID) -> ScheduledCheck | None:
        """Return a check that this worker holds; None if it does not hold it."""
        return self._dispatcher.check(check_id)

    def held_of_shard(self, shard: int) -> int:
        """Return the number of checks of a shard that this worker holds."""
        return self._dispatcher.held_of_shard(shard)

    @property
    def is_empty(self) -> bool:
        """Whether this worker holds no check."""
        return not self._dispatcher.held

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Start no run inside the block: the initial load takes half the time without concurrent runs."""
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False

    def hold(self, check: ScheduledCheck, watermark: Watermark) -> None:
        """Schedule a check, or replace it by its new version. Do nothing after `stop`.

        Args:
            check: the check.
            watermark: its watermark: the last slot that is accounted for.
        """
        if self._stopped:
            return
        self._update_spans()
        self._record_missed(self._dispatcher.hold(check, watermark, self._clock.now_us()))
        self._arm()

    def release(self, check: ScheduledCheck) -> None:
        """Unschedule a check that another worker takes over; a run in progress continues to its end."""
        self._dispatcher.release(check.id)

    def retire(self, check: ScheduledCheck) -> None:
        """Unschedule a check that was disabled or deleted, and record its due slots as missed."""
        self._record_missed(self._dispatcher.retire(check.id))

    async def stop(self, patience_s: float) -> None:
        """Start no more runs, wait for those in progress, and cancel the rest.

        A cancelled run is not recorded: the next holder of the shard runs its slot or counts it as missed.

        Args:
            patience_s: how long to wait for runs in progress, in seconds.
        """
        self._stopped = True
        if self._timer:
            self._timer.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks.values(), timeout=patience_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _arm(self) -> None:
        """Set the timer for the next due slot; slots that are due within one tick start in one batch."""
        if self._stopped or (self._timer is not None and self._armed_for <= self._ticked_at + TICK_S):
            return  # the timer is already set for the earliest possible time
        next_slot_us = self._dispatcher.next_us
        if self._dispatcher.has_backlog:
            nap = 0.0
        elif next_slot_us is None:
            return
        else:
            nap = min(_LONGEST_NAP_S, max(0.0, (next_slot_us - self._clock.now_us()) / SECOND_US))
        if not self._may_start_runs():
            nap = _FENCED_NAP_S
        loop = asyncio.get_running_loop()
        at = max(loop.time() + nap, self._ticked_at + TICK_S)
        if self._timer is not None:
            if self._armed_for <= at:
                return
            self._timer.cancel()
        self._timer, self._armed_for = loop.call_at(at, self._tick), at

    def _update_spans(self) -> None:
        self._dispatcher.outage, self._dispatcher.skipped = self._lease.outage, self._clock.skipped

    def _may_start_runs(self) -> bool:
        return self._lease.hold() and not self._is_paused

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        self._ticked_at = loop.time()
        if self._ticked_at - self._armed_for > _STALL_S:
            self._stalled_at = self._ticked_at
            _log.warning("worker stalled", seconds=round(self._ticked_at - self._armed_for, 3))
        if self._may_start_runs():
            self._update_spans()
            starting, all_missed = self._dispatcher.due(self._clock.now_us())
            self._record_missed(all_missed)
            for run in starting:
                self._tasks[run] = loop.create_task(self._run(run))
        self._arm()

    async def _run(self, run: Run) -> None:
        check, slot_us = run.check, run.slot_us
        began = asyncio.get_running_loop().time()
        start_us = self._clock.now_us()
        self._metrics.started(max(0, start_us - slot_us))
        try:
            probe = run.probe
            if probe is None:
                probe = run.probe = self._prober.probe_of(check.spec)
            result = await self._prober.run(check, slot_us, start_us, probe=probe)
            if result.error_kind in _STALL_KINDS and self._stalled_since(began):
                result = replace(
                    result,
                    outcome=Outcome.ERROR,
                    error_kind=ErrorKind.INTERNAL,
                    error_message="the worker was stalled during the run",
                )
            self._metrics.ended(check.spec.KIND, result.outcome, result.error_kind)
            self._recorder.add(result, check)
        finally:
            del self._tasks[run]
            self._update_spans()
            self._record_missed(self._dispatcher.ended(run, check, self._clock.now_us()))
            self._arm()

    def _stalled_since(self, began: float) -> bool:
        """Return whether the process stalled since `began`, including a stall that no tick has detected yet.

        Args:
            began: a time of the event loop's clock, in seconds.
        """
        overdue = self._timer is not None and asyncio.get_running_loop().time() - self._armed_for > _STALL_S
        return overdue or self._stalled_at >= began

    def _record_missed(self, all_missed: Sequence[MissedSlots]) -> None:
        for missed_slots in all_missed:
            self._metrics.missed(missed_slots.reason, missed_slots.missed.count)
            self._recorder.add(to_missed(missed_slots, self._worker_id), missed_slots.check)
