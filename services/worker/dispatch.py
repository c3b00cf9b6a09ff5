"""The dispatcher: which slots start, which are in progress, which are missed (semantics.md §1 to §4, §20). Pure.

    held ──► waiting for its slot ──► due: waiting for a place ──► running ──► waiting for its next slot
                                                  └── too late: MISSED ──────────────┘

A check is in one of these states at a time, so at most one run of it is in progress. Time is an argument, in
microseconds.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from services.checks.grid import PAUSE_LIMIT_US, lateness_us
from services.checks.outcome import MissedReason
from services.worker.backlog import Backlog, lane_of
from services.worker.cpu_budget import CpuBudget
from services.worker.fairness import ConcurrencyLimits
from services.worker.kinds.kind import Probe
from services.worker.schedule import MissedRange, Schedule, ScheduledCheck, Span, Watermark, next_slot, split_by_spans


class _RunState(Enum):
    WAITING = auto()
    DUE = auto()
    RUNNING = auto()


class Run:
    """A held check and its state. For users of the dispatcher: one run of a slot.

    Attributes:
        check: the check with its present settings.
        slot_us: the slot that is running or waited for.
        ticket: identifies its valid entry in a queue.
        probe: the probe of the present check; None until the first run.
    """

    __slots__ = ("check", "held", "probe", "slot_us", "state", "ticket", "watermark")

    def __init__(self, check: ScheduledCheck) -> None:
        self.check = check
        self.slot_us = 0
        self.ticket = 0
        self.state = _RunState.WAITING
        self.held = True
        self.probe: Probe | None = None
        # The account to continue from when the run has ended, if the check has changed since it began.
        self.watermark: Watermark | None = None


@dataclass(frozen=True, slots=True)
class MissedSlots:
    """Slots of a check that are missed, with the reason."""

    check: ScheduledCheck
    missed: MissedRange
    reason: MissedReason


class Dispatcher:
    """Decides which runs start; its user runs them, records results and passes the time.

    Args:
        capacity: how many runs may be in progress.
        per_target: how many of them at one target host.
        bodies: how many of them may keep a response body.
        budget: delays tenants that have spent their CPU time.

    Attributes:
        outage: the last span in which the database was unavailable, so that no lease could be held.
        skipped: the spans that steps of the clock have skipped, in order.
    """

    def __init__(self, capacity: int, per_target: int, bodies: int, budget: CpuBudget | None = None) -> None:
        self._limits = ConcurrencyLimits(capacity, per_target, bodies, budget or CpuBudget())
        self._runs: dict[UUID, Run] = {}
        self._schedule = Schedule()
        self._backlog = Backlog(self._limits)
        self._held: Counter[int] = Counter()
        self.outage: Span = (0, 0)
        self.skipped: Sequence[Span] = ()
        self._looked_us = 0

    @property
    def held(self) -> int:
        """How many checks are held."""
        return self._held.total()

    @property
    def running(self) -> int:
        """How many runs are in progress."""
        return self._limits.taken

    @property
    def due_count(self) -> int:
        """How many due slots wait for a place."""
        return len(self._backlog)

    @property
    def has_backlog(self) -> bool:
        """Whether a due slot waits for a place."""
        return bool(self._backlog)

    @property
    def next_us(self) -> int | None:
        """When the next slot is due, in microseconds; None if there is none."""
        return self._schedule.next_us

    def checks(self) -> list[ScheduledCheck]:
        """Return all held checks."""
        return [run.check for run in self._runs.values() if run.held]

    def check(self, check_id: UUID) -> ScheduledCheck | None:
        """Return a held check; None if it is not held."""
        run = self._runs.get(check_id)
        return run.check if run is not None and run.held else None

    def held_of_shard(self, shard: int) -> int:
        """Return how many checks of a shard are held."""
        return self._held[shard]

    def hold(self, check: ScheduledCheck, watermark: Watermark, now_us: int) -> list[MissedSlots]:
        """Schedule a check, or apply its changes; return the slots that are missed.

        Args:
            check: the check.
            watermark: up to where its slots are accounted for, by the database.
            now_us: the present time.
        """
        run = self._runs.get(check.id)
        if run is None:
            run = self._runs[check.id] = Run(check)
            self._held[check.shard] += 1
            return self._schedule_next(run, watermark, now_us, MissedReason.NO_WORKER)
        if run.held and run.check == check:
            return []
        former, run.check, run.probe = run.check, check, None
        if not run.held:
            run.held = True
            self._held[check.shard] += 1
        if run.state is _RunState.RUNNING:
            run.watermark = watermark
            return []
        if run.state is _RunState.DUE and lane_of(former) != lane_of(check):
            self._backlog.add(run)
        if (former.settings.interval_us, former.since_us) == (check.settings.interval_us, check.since_us):
            return []
        # Slots before the one that it waits for were handled here.
        watermark = _advanced_watermark(watermark, former, run.slot_us - former.settings.interval_us, check, now_us)
        return self._schedule_next(run, watermark, now_us, MissedReason.NO_WORKER)

    def release(self, check_id: UUID) -> None:
        """Stop scheduling a check that another worker runs; a run in progress ends normally."""
        run = self._runs.get(check_id)
        if run is None or not run.held:
            return
        self._held[run.check.shard] -= 1
        run.held = False
        if run.state is not _RunState.RUNNING:
            del self._runs[check_id]
            run.ticket = 0

    def retire(self, check_id: UUID) -> list[MissedSlots]:
        """Stop scheduling a check that is disabled or deleted; return its slot as missed if that is due."""
        run = self._runs.get(check_id)
        all_missed = []
        if run is not None and run.held and run.state is _RunState.DUE:
            missed = MissedRange(run.slot_us, 1, run.check.settings.interval_us)
            all_missed.append(MissedSlots(run.check, missed, MissedReason.OVERLOADED))
        self.release(check_id)
        return all_missed

    def due(self, now_us: int) -> tuple[Sequence[Run], list[MissedSlots]]:
        """Return the runs to start now, and the slots that are missed."""
        starting: list[Run] = []
        all_missed: list[MissedSlots] = []
        limits, backlog = self._limits, self._backlog
        limits.now_us = now_us
        if now_us < self._looked_us:
            self._return_to_schedule(now_us)
        self._looked_us = now_us
        while (run := self._schedule.pop_due(now_us)) is not None:
            check = run.check
            if now_us - run.slot_us > lateness_us(check.settings.interval_us):
                all_missed += self._miss_late_slots(run, now_us)
            elif (
                not backlog.holds(check)
                and limits.admits_tenant(check.tenant_id, keeps_body=check.spec.reads_body)
                and limits.admits_target(check.tenant_id, check.target)
            ):
                limits.acquire(check)
                starting.append(run)
            else:
                run.state = _RunState.DUE
                backlog.add(run)
        if backlog:
            admitted, late = backlog.admit(
                lambda queued: now_us - queued.slot_us > lateness_us(queued.check.settings.interval_us)
            )
            starting += admitted
            for run in late:
                all_missed += self._miss_late_slots(run, now_us)
        for run in starting:
            run.state = _RunState.RUNNING
        return starting, all_missed

    def ended(self, run: Run, began: ScheduledCheck, now_us: int) -> list[MissedSlots]:
        """Schedule the next slot of a check whose run has ended; return the slots that are missed.

        Args:
            run: the run.
            began: the check as it was when the run began.
            now_us: the present time.
        """
        self._limits.release(began)
        if not run.held:
            del self._runs[began.id]
            return []
        run.state = _RunState.WAITING
        if run.watermark is None:
            # The next slot of the grid; if it is too late by then, that is found when it is due.
            self._schedule.put(run, run.slot_us + began.settings.interval_us)
            return []
        watermark, run.watermark = run.watermark, None
        watermark = _advanced_watermark(watermark, began, run.slot_us, run.check, now_us)
        return self._schedule_next(run, watermark, now_us, MissedReason.OVERLOADED)

    def _return_to_schedule(self, now_us: int) -> None:
        """Move due slots back to the schedule that are in the future after the clock was stepped back."""
        for run in self._runs.values():
            if run.state is _RunState.DUE and run.slot_us > now_us:
                run.state = _RunState.WAITING
                self._schedule.put(run, run.slot_us)

    def _miss_late_slots(self, run: Run, now_us: int) -> list[MissedSlots]:
        """Return a late slot and all other late ones as missed, and schedule the next one."""
        return self._schedule_next(run, Watermark(run.slot_us - 1), now_us, MissedReason.OVERLOADED)

    def _schedule_next(self, run: Run, watermark: Watermark, now_us: int, reason: MissedReason) -> list[MissedSlots]:
        missed, next_slot_us = next_slot(run.check, watermark, now_us)
        run.state = _RunState.WAITING
        self._schedule.put(run, next_slot_us)
        return [
            MissedSlots(run.check, part, MissedReason.CLOCK_STEP if is_skipped else self._missed_reason(part, reason))
            for each in missed
            for part, is_skipped in split_by_spans(each, self.skipped)
        ]

    def _missed_reason(self, missed: MissedRange, reason: MissedReason) -> MissedReason:
        start_us, end_us = self.outage
        last_us = missed.first_us + (missed.count - 1) * missed.interval_us
        return MissedReason.DATABASE_AWAY if missed.first_us < end_us and last_us >= start_us else reason


def _advanced_watermark(
    watermark: Watermark, former: ScheduledCheck, seen_to_us: int, check: ScheduledCheck, now_us: int
) -> Watermark:
    """Return the account advanced by the slots that were handled here, whose results may not be written yet.

    Only slots of the period that was known here count as handled: runs after its end do not count, and must not hide a
    slot of a later period, of which there may have been several before the change was noticed.

    Args:
        watermark: the account of the database.
        former: the check before the change.
        seen_to_us: the last of its slots that was handled here.
        check: the check after the change.
        now_us: the present time.
    """
    if seen_to_us > now_us + PAUSE_LIMIT_US:
        return watermark  # from before a step back: the grid restarts at the account
    if former.since_us != check.since_us:
        # If the period is not among the former ones, all of it is accounted for.
        ends = [period.end_us for period in watermark.former if period.start_us == former.since_us]
        seen_to_us = min([seen_to_us, *(end_us - 1 for end_us in ends)]) if ends else watermark.slot_us
    return Watermark(max(watermark.slot_us, seen_to_us), watermark.former, watermark.off)
