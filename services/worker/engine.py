"""Fires what is due: dispatch → probe → record, only while the leases hold."""

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
from services.worker.dispatch import Dispatcher, Lapse, Run
from services.worker.metrics import Metrics
from services.worker.probe import Prober
from services.worker.record import Recorder
from services.worker.results import to_missed
from services.worker.schedule import Account, ScheduledCheck

if TYPE_CHECKING:
    from services.worker.lease import Leases

_log = logs.get("engine")
# The database's clock may be stepped; the schedule is looked at this often whatever it says.
_LONGEST_NAP_S = 1.0
# Slots that fall due within this time are fired together: one wake-up for many costs a fraction of one for each.
TICK_S = 0.005
_FENCED_NAP_S = 0.2
# Who comes this late to a wake-up of their own was stopped, starved or swapped out.
_STALL_S = 0.5
# What a stall of ours looks like from inside a run.
_STALL_KINDS = frozenset({ErrorKind.DNS, ErrorKind.CONNECT_TIMEOUT, ErrorKind.TIMEOUT})


class Engine:
    """Runs the checks that this worker holds.

    Args:
        prober: makes one run.
        recorder: takes the results.
        worker_id: this worker, for missed slots.
        dispatcher: decides what to run.
        lease: says whether we may.
        clock: what slots go by.
        metrics: told of each run and of what is missed.
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
        self._holds_fire = False

    def checks(self) -> list[ScheduledCheck]:
        """The checks that we run."""
        return self._dispatcher.checks()

    def check(self, check_id: UUID) -> ScheduledCheck | None:
        """A check that we run."""
        return self._dispatcher.check(check_id)

    def held_of_shard(self, shard: int) -> int:
        """How many checks of a shard we run."""
        return self._dispatcher.held_of_shard(shard)

    @property
    def is_empty(self) -> bool:
        """Whether we run no check."""
        return not self._dispatcher.held

    @contextmanager
    def holding_fire(self) -> Iterator[None]:
        """Begin no run meanwhile: for a first load, which is over in half the time without them."""
        self._holds_fire = True
        try:
            yield
        finally:
            self._holds_fire = False

    def hold(self, check: ScheduledCheck, account: Account) -> None:
        """Run a check from now on, or as it is from now on.

        Args:
            check: the check.
            account: up to where its slots are accounted for.
        """
        if self._stopped:
            return
        self._look_at_spans()
        self._miss(self._dispatcher.hold(check, account, self._clock.now_us()))
        self._arm()

    def release(self, check: ScheduledCheck) -> None:
        """Run a check no longer, since another worker does; a run that is under way ends by itself."""
        self._dispatcher.release(check.id)

    def retire(self, check: ScheduledCheck) -> None:
        """Run a check no longer, since it is off or gone."""
        self._miss(self._dispatcher.retire(check.id))

    async def stop(self, patience_s: float) -> None:
        """Fire nothing more; let runs end, and cut off those that do not within a few seconds.

        What is cut off is not recorded: its slot is for the next holder to run, or to count as missed.
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
        """Look at the schedule again when the next slot is due; what is due within one tick is fired together."""
        if self._stopped or (self._timer is not None and self._armed_for <= self._ticked_at + TICK_S):
            return  # it cannot be sooner
        following = self._dispatcher.next_us
        if self._dispatcher.has_backlog:
            nap = 0.0
        elif following is None:
            return
        else:
            nap = min(_LONGEST_NAP_S, max(0.0, (following - self._clock.now_us()) / SECOND_US))
        if not self._may_fire():
            nap = _FENCED_NAP_S
        loop = asyncio.get_running_loop()
        at = max(loop.time() + nap, self._ticked_at + TICK_S)
        if self._timer is not None:
            if self._armed_for <= at:
                return
            self._timer.cancel()
        self._timer, self._armed_for = loop.call_at(at, self._tick), at

    def _look_at_spans(self) -> None:
        self._dispatcher.outage, self._dispatcher.skipped = self._lease.outage, self._clock.skipped

    def _may_fire(self) -> bool:
        return self._lease.hold() and not self._holds_fire

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        self._ticked_at = loop.time()
        if self._ticked_at - self._armed_for > _STALL_S:
            self._stalled_at = self._ticked_at
            _log.warning("worker stalled", seconds=round(self._ticked_at - self._armed_for, 3))
        if self._may_fire():
            self._look_at_spans()
            starting, lapses = self._dispatcher.due(self._clock.now_us())
            self._miss(lapses)
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
            self._look_at_spans()
            self._miss(self._dispatcher.ended(run, check, self._clock.now_us()))
            self._arm()

    def _stalled_since(self, began: float) -> bool:
        """Whether we were stalled since some time: noticed already, or about to be."""
        overdue = self._timer is not None and asyncio.get_running_loop().time() - self._armed_for > _STALL_S
        return overdue or self._stalled_at >= began

    def _miss(self, lapses: Sequence[Lapse]) -> None:
        for lapse in lapses:
            self._metrics.missed(lapse.reason, lapse.missed.count)
            self._recorder.add(to_missed(lapse, self._worker_id), lapse.check)
