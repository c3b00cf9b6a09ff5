"""The dispatcher: which slots start, which are in progress, which are missed (semantics.md §1 to §4, §20). Pure.

    held ──► waiting for its slot ──► due: waiting for a place ──► running ──► waiting for its next slot
                                                  └── too late: MISSED ──────────────┘

A check is in one of these places at a time, so at most one run of it is in progress. Time is an argument, in
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
from services.worker.fairness import Shares
from services.worker.kinds.kind import Probe
from services.worker.schedule import Account, Missed, Schedule, ScheduledCheck, Span, cut, go_on


class _Place(Enum):
    WAITING = auto()
    DUE = auto()
    RUNNING = auto()


class Run:
    """A held check and its place. For users of the dispatcher: one run of a slot.

    Attributes:
        check: the check with its present settings.
        slot_us: the slot that is running or waited for.
        ticket: identifies its valid entry in a queue.
        probe: the probe of the present check; None until the first run.
    """

    __slots__ = ("account", "check", "held", "place", "probe", "slot_us", "ticket")

    def __init__(self, check: ScheduledCheck) -> None:
        self.check = check
        self.slot_us = 0
        self.ticket = 0
        self.place = _Place.WAITING
        self.held = True
        self.probe: Probe | None = None
        # The account to continue from when the run has ended, if the check has changed since it began.
        self.account: Account | None = None


@dataclass(frozen=True, slots=True)
class Lapse:
    """Slots of a check that are missed, with the reason."""

    check: ScheduledCheck
    missed: Missed
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
        self._shares = Shares(capacity, per_target, bodies, budget or CpuBudget())
        self._runs: dict[UUID, Run] = {}
        self._schedule = Schedule()
        self._backlog = Backlog(self._shares)
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
        return self._shares.taken

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

    def hold(self, check: ScheduledCheck, account: Account, now_us: int) -> list[Lapse]:
        """Schedule a check, or apply its changes; return the slots that are missed.

        Args:
            check: the check.
            account: up to where its slots are accounted for, by the database.
            now_us: the present time.
        """
        run = self._runs.get(check.id)
        if run is None:
            run = self._runs[check.id] = Run(check)
            self._held[check.shard] += 1
            return self._go_on(run, account, now_us, MissedReason.NO_WORKER)
        if run.held and run.check == check:
            return []
        former, run.check, run.probe = run.check, check, None
        if not run.held:
            run.held = True
            self._held[check.shard] += 1
        if run.place is _Place.RUNNING:
            run.account = account
            return []
        if run.place is _Place.DUE and lane_of(former) != lane_of(check):
            self._backlog.add(run)
        if (former.settings.interval_us, former.since_us) == (check.settings.interval_us, check.since_us):
            return []
        # Slots before the one that it waits for were handled here.
        account = _further(account, former, run.slot_us - former.settings.interval_us, check, now_us)
        return self._go_on(run, account, now_us, MissedReason.NO_WORKER)

    def release(self, check_id: UUID) -> None:
        """Stop scheduling a check that another worker runs; a run in progress ends normally."""
        run = self._runs.get(check_id)
        if run is None or not run.held:
            return
        self._held[run.check.shard] -= 1
        run.held = False
        if run.place is not _Place.RUNNING:
            del self._runs[check_id]
            run.ticket = 0

    def retire(self, check_id: UUID) -> list[Lapse]:
        """Stop scheduling a check that is disabled or deleted; return its slot as missed if that is due."""
        run = self._runs.get(check_id)
        lapses = []
        if run is not None and run.held and run.place is _Place.DUE:
            missed = Missed(run.slot_us, 1, run.check.settings.interval_us)
            lapses.append(Lapse(run.check, missed, MissedReason.OVERLOADED))
        self.release(check_id)
        return lapses

    def due(self, now_us: int) -> tuple[Sequence[Run], list[Lapse]]:
        """Return the runs to start now, and the slots that are missed."""
        starting: list[Run] = []
        lapses: list[Lapse] = []
        shares, backlog = self._shares, self._backlog
        shares.now_us = now_us
        if now_us < self._looked_us:
            self._postpone(now_us)
        self._looked_us = now_us
        while (run := self._schedule.pop_due(now_us)) is not None:
            check = run.check
            if now_us - run.slot_us > lateness_us(check.settings.interval_us):
                lapses += self._lapse(run, now_us)
            elif (
                not backlog.holds(check)
                and shares.admits_tenant(check.tenant_id, keeps_body=check.spec.reads_body)
                and shares.admits_target(check.tenant_id, check.target)
            ):
                shares.take(check)
                starting.append(run)
            else:
                run.place = _Place.DUE
                backlog.add(run)
        if backlog:
            admitted, late = backlog.admit(
                lambda queued: now_us - queued.slot_us > lateness_us(queued.check.settings.interval_us)
            )
            starting += admitted
            for run in late:
                lapses += self._lapse(run, now_us)
        for run in starting:
            run.place = _Place.RUNNING
        return starting, lapses

    def ended(self, run: Run, began: ScheduledCheck, now_us: int) -> list[Lapse]:
        """Schedule the next slot of a check whose run has ended; return the slots that are missed.

        Args:
            run: the run.
            began: the check as it was when the run began.
            now_us: the present time.
        """
        self._shares.give_back(began)
        if not run.held:
            del self._runs[began.id]
            return []
        run.place = _Place.WAITING
        if run.account is None:
            # The next slot of the grid; if it is too late by then, that is found when it is due.
            self._schedule.put(run, run.slot_us + began.settings.interval_us)
            return []
        account, run.account = run.account, None
        account = _further(account, began, run.slot_us, run.check, now_us)
        return self._go_on(run, account, now_us, MissedReason.OVERLOADED)

    def _postpone(self, now_us: int) -> None:
        """Move due slots back to the schedule that are in the future after the clock was stepped back."""
        for run in self._runs.values():
            if run.place is _Place.DUE and run.slot_us > now_us:
                run.place = _Place.WAITING
                self._schedule.put(run, run.slot_us)

    def _lapse(self, run: Run, now_us: int) -> list[Lapse]:
        """Return a late slot and all other late ones as missed, and schedule the next one."""
        return self._go_on(run, Account(run.slot_us - 1), now_us, MissedReason.OVERLOADED)

    def _go_on(self, run: Run, account: Account, now_us: int, reason: MissedReason) -> list[Lapse]:
        missed, following = go_on(run.check, account, now_us)
        run.place = _Place.WAITING
        self._schedule.put(run, following)
        return [
            Lapse(run.check, part, MissedReason.CLOCK_STEP if is_skipped else self._why(part, reason))
            for each in missed
            for part, is_skipped in cut(each, self.skipped)
        ]

    def _why(self, missed: Missed, reason: MissedReason) -> MissedReason:
        start_us, end_us = self.outage
        last_us = missed.first_us + (missed.count - 1) * missed.interval_us
        return MissedReason.DATABASE_AWAY if missed.first_us < end_us and last_us >= start_us else reason


def _further(account: Account, former: ScheduledCheck, seen_to_us: int, check: ScheduledCheck, now_us: int) -> Account:
    """Return the account advanced by the slots that were handled here, whose results may not be written yet.

    Only slots of the period that was known here count as handled: runs after its end do not count, and must not hide a
    slot of a later period, of which there may have been several before the change was noticed.

    Args:
        account: the account of the database.
        former: the check before the change.
        seen_to_us: the last of its slots that was handled here.
        check: the check after the change.
        now_us: the present time.
    """
    if seen_to_us > now_us + PAUSE_LIMIT_US:
        return account  # from before a step back: the grid restarts at the account
    if former.since_us != check.since_us:
        # If the period is not among the former ones, all of it is accounted for.
        ends = [period.end_us for period in account.former if period.start_us == former.since_us]
        seen_to_us = min([seen_to_us, *(end_us - 1 for end_us in ends)]) if ends else account.slot_us
    return Account(max(account.slot_us, seen_to_us), account.former, account.off)
