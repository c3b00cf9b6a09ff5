"""Fires what is due: schedule → probe → record, with bounded concurrency and only while the leases hold."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from services.common import logs
from services.common.clock import SECOND_US, from_datetime, now_us
from services.common.grid import lateness_us
from services.common.outcome import MissedReason, Outcome
from services.common.result import Result
from services.worker.metrics import Metrics
from services.worker.probe import Observation, Prober
from services.worker.record import Recorder
from services.worker.schedule import Account, Missed, Schedule, ScheduledCheck, go_on

_log = logs.get("engine")
# The machine's clock may be stepped; the schedule is looked at this often whatever it says.
_LONGEST_NAP_S = 1.0
# Slots that fall due within this time are fired together: one wake-up for many costs a fraction of one for each.
TICK_S = 0.005
_FENCED_NAP_S = 0.2


class Engine:
    """Runs the checks that this worker holds.

    Args:
        prober: makes one run.
        recorder: takes the results.
        worker_id: who we are, on each result.
        concurrency: how many runs may be under way.
        may_fire: whether our leases hold.
        metrics: told of each run and of what is missed.
    """

    def __init__(
        self,
        prober: Prober,
        recorder: Recorder,
        worker_id: str,
        concurrency: int,
        may_fire: Callable[[], bool],
        metrics: Metrics | None = None,
    ) -> None:
        self._prober = prober
        self._recorder = recorder
        self._worker_id = worker_id
        self._concurrency = concurrency
        self._may_fire = may_fire
        self._metrics = metrics or Metrics()
        self._schedule = Schedule()
        self._held: dict[UUID, ScheduledCheck] = {}
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = 0.0
        self._ticked_at = 0.0
        self._stopped = False

    @property
    def held(self) -> dict[UUID, ScheduledCheck]:
        """The checks that we run, by id."""
        return self._held

    @property
    def in_flight(self) -> int:
        """How many runs are under way; may be asked from any thread."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many runs are due and have not begun; may be asked from any thread."""
        return self._schedule.due(now_us())

    def hold(self, check: ScheduledCheck, account: Account) -> None:
        """Run a check from now on, or as it is from now on.

        Args:
            check: the check.
            account: up to where its slots are accounted for.
        """
        before = self._held.get(check.id)
        if self._stopped or (before == check and (check.id in self._running or check.id in self._schedule)):
            return
        self._held[check.id] = check
        if check.id in self._running:
            return  # goes on, as it is now, when the run has ended
        if before is None or check.id not in self._schedule:
            self._wait_for_next(check, account, MissedReason.NO_WORKER)
        else:
            self._wait_for_next(check, Account(max(account.slot_us, now_us())), MissedReason.NO_WORKER)

    def release(self, check_id: UUID) -> None:
        """Run a check no longer; a run that is under way ends by itself."""
        self._held.pop(check_id, None)
        self._schedule.discard(check_id)

    async def stop(self, patience_s: float) -> None:
        """Fire nothing more; let runs end, and cut off those that do not within a few seconds.

        What is cut off is not recorded: its slot is for the next holder to run, or to count as missed.
        """
        self._stopped = True
        if self._timer:
            self._timer.cancel()
        if self._running:
            _, late = await asyncio.wait(self._running.values(), timeout=patience_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _wait_for_next(self, check: ScheduledCheck, account: Account, reason: MissedReason) -> None:
        missed, following = go_on(check, account.slot_us, account.off, now_us())
        for each in missed:
            self._miss(check, each, reason)
        self._schedule.put(check, following)
        self._arm()

    def _miss(self, check: ScheduledCheck, missed: Missed, reason: MissedReason) -> None:
        self._metrics.missed(reason, missed.count)
        self._recorder.add(
            Result(
                tenant_id=check.tenant_id,
                service_id=check.service_id,
                check_id=check.id,
                slot_us=missed.first_us,
                interval_us=check.interval_us,
                outcome=Outcome.MISSED,
                worker_id=self._worker_id,
                missed_reason=reason,
                slot_count=missed.count,
            ),
            check,
        )

    def _arm(self) -> None:
        """Look at the schedule again when the next slot is due; what is due within one tick is fired together."""
        if self._timer is not None and self._armed_for <= self._ticked_at + TICK_S:
            return  # it cannot be sooner
        following = self._schedule.next_us
        if following is None or self._stopped:
            return
        nap = min(_LONGEST_NAP_S, max(0.0, (following - now_us()) / SECOND_US))
        if not self._may_fire():
            nap = _FENCED_NAP_S
        loop = asyncio.get_running_loop()
        at = max(loop.time() + nap, self._ticked_at + TICK_S)
        if self._timer is not None:
            if self._armed_for <= at:
                return
            self._timer.cancel()
        self._timer, self._armed_for = loop.call_at(at, self._tick), at

    def _tick(self) -> None:
        self._timer = None
        self._ticked_at = asyncio.get_running_loop().time()
        now = now_us()
        while self._may_fire() and len(self._running) < self._concurrency:
            due = self._schedule.pop_due(now)
            if due is None:
                break
            check, slot_us = due
            if now - slot_us > lateness_us(check.interval_us):
                # Too late to start: it and what else is late are missed, and the check goes on.
                self._wait_for_next(check, Account(slot_us - 1), MissedReason.OVERLOADED)
                continue
            self._running[check.id] = asyncio.create_task(self._run(check, slot_us))
        self._arm()

    async def _run(self, check: ScheduledCheck, slot_us: int) -> None:
        start = now_us()
        self._metrics.started(start - slot_us)
        try:
            seen = await self._prober.run(check.spec, timeout_s=check.timeout_us / SECOND_US, retries=check.retries)
            self._metrics.ended(seen.outcome, seen.error_kind)
            self._recorder.add(to_result(check, slot_us, start, seen, self._worker_id), check)
        finally:
            del self._running[check.id]
            now_held = self._held.get(check.id)
            if now_held is not None and not self._stopped:
                self._wait_for_next(now_held, Account(slot_us), MissedReason.OVERLOADED)


def to_result(check: ScheduledCheck, slot_us: int, start_us: int, seen: Observation, worker_id: str) -> Result:
    """What a run observed, as the result of a slot."""
    return Result(
        tenant_id=check.tenant_id,
        service_id=check.service_id,
        check_id=check.id,
        slot_us=slot_us,
        interval_us=check.interval_us,
        outcome=seen.outcome,
        worker_id=worker_id,
        start_us=start_us,
        error_kind=seen.error_kind,
        error_message=seen.error_message,
        status_code=seen.status_code,
        dns_us=seen.dns_us,
        connect_us=seen.connect_us,
        tls_us=seen.tls_us,
        ttfb_us=seen.ttfb_us,
        transfer_us=seen.transfer_us,
        total_us=seen.total_us,
        body_bytes=seen.body_bytes,
        redirects=seen.redirects,
        attempt=seen.attempt,
        tls_not_after_us=from_datetime(seen.tls_not_after) if seen.tls_not_after else None,
        resolved_ip=seen.resolved_ip,
        http_version=seen.http_version,
    )
