"""The database of a simulated installation: its tables as Python values, and what the services write into them.

Pure; time is the database's own. What follows from results (check_progress.py), what a change makes of a check
(drafts.py) and where slots lie (grid.py) are the product's own functions; what the SQL says beside those is said once
more here, and tests/integration/worker/store holds both to each other.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.checks import check_changes
from services.checks.check_changes import CheckChange
from services.checks.grid import PAUSE_LIMIT_US, anchor_us, first_slot_at_or_after, shard_of
from services.checks.incident import Resolution
from services.checks.maintenance import in_maintenance
from services.checks.result import Result
from services.checks.state import Track
from services.monitor.model import Check
from services.platform.clock import SECOND_US
from services.worker.check_progress import CheckProgress
from services.worker.incident_transitions import IncidentTransition
from services.worker.schedule import Period, ScheduledCheck, Span, Watermark
from tests.support.simulation.leases import LeaseTable

BASE_US = 1_790_000_000 * SECOND_US


@dataclass(slots=True, kw_only=True)
class Incident:
    """A row of incidents: when it began, was confirmed and ended, and what ended it."""

    start_us: int
    detect_us: int
    end_us: int | None = None
    resolution: Resolution | None = None

    def end(self, at_us: int, resolution: Resolution) -> None:
        """End it, unless it has ended."""
        if self.end_us is None:
            self.end_us, self.resolution = max(self.start_us, at_us), resolution


@dataclass(slots=True, repr=False, kw_only=True)
class Row:
    """A check, and what became of its slots.

    Attributes:
        check: the check.
        since_us: since when it is on with its interval; None while it is paused.
        former: its periods that ended.
        track: what its results amount to.
        accounted_us: its last accounted slot.
        results: what was recorded, in that order.
        incidents: in order.
    """

    check: Check
    since_us: int | None
    accounted_us: int
    former: list[Period] = field(default_factory=list)
    track: Track = field(default_factory=Track)
    results: list[Result] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<{self.check.name}, of shard {self.shard}>"

    @property
    def key(self) -> tuple[UUID, UUID]:
        """Its tenant, and its id."""
        return self.check.tenant_id, self.check.id

    @property
    def shard(self) -> int:
        """Its shard."""
        return shard_of(self.check.id)

    def scheduled(self) -> ScheduledCheck:
        """As a worker holds it; of a check that is on."""
        check = self.check
        return ScheduledCheck(
            tenant_id=check.tenant_id,
            service_id=check.service_id,
            id=check.id,
            shard=self.shard,
            spec=check.spec.bound_to(check.tenant_id, check.id),
            target=check.spec.target,
            settings=check.settings,
            since_us=self.since_us or 0,
        )

    def tally(self, epoch: int, maintenance: list[Span]) -> CheckProgress:
        """What its results amount to so far, and all that what is added has to fit."""
        return CheckProgress(
            tenant_id=self.check.tenant_id,
            track=self.track,
            accounted_us=self.accounted_us,
            epoch=epoch,
            since_us=self.since_us,
            interval_us=None if self.since_us is None else self.check.settings.interval_us,
            former=tuple(self.former),
            maintenance=maintenance,
        )

    def move(self, tally: CheckProgress) -> None:
        """What its results amount to now."""
        self.track, self.accounted_us = tally.track, tally.accounted_us
        for turn in tally.transitions:
            self._turn(turn)

    def _turn(self, turn: IncidentTransition) -> None:
        """Its incident opens, unless one is open or it is paused; or it is resolved, if one is open."""
        last = self.incidents[-1] if self.incidents else None
        if not turn.opens:
            if last is not None:
                last.end(turn.run_us, Resolution.RECOVERED)
        elif self.since_us is not None and (last is None or last.end_us is not None):
            # No two overlap.
            behind_us = last.end_us if last is not None and last.end_us is not None else turn.run_us
            start_us, detect_us = max(turn.run_us, behind_us), max(turn.slot_us, behind_us)
            self.incidents.append(Incident(start_us=start_us, detect_us=detect_us))

    def restart(self, now_us: int) -> None:
        """Forget what was recorded of slots after now."""
        self.accounted_us = now_us
        self.results = [_until(each, now_us) for each in self.results if each.slot_us <= now_us]
        self.former = [replace(each, end_us=min(each.end_us, now_us)) for each in self.former if each.start_us < now_us]
        if self.since_us is not None:
            self.since_us = min(self.since_us, now_us)
        track = self.track
        self.track = replace(
            track,
            state_us=_earlier(track.state_us, now_us),
            streak_us=_earlier(track.streak_us, now_us),
            verdict_us=_earlier(track.verdict_us, now_us),
        )
        for each in self.incidents:
            each.start_us, each.detect_us = min(each.start_us, now_us), min(each.detect_us, now_us)
            each.end_us = _earlier(each.end_us, now_us)

    def history(self) -> str:
        """Its periods: from when, until when, and the interval, in seconds."""
        spans = [(each.start_us - BASE_US, each.end_us - BASE_US, each.interval_us) for each in self.former]
        if self.since_us is not None:
            spans.append((self.since_us - BASE_US, 0, self.check.settings.interval_us))
        return str([tuple(part / SECOND_US for part in span) for span in spans])

    def slots(self) -> list[int]:
        """Each slot that is accounted for; ranges are expanded."""
        return [each.slot_us + number * each.interval_us for each in self.results for number in range(each.slot_count)]

    def due(self, until_us: int) -> set[int]:
        """Every slot up to a time that lies in its periods."""
        spans = [*self.former]
        if self.since_us is not None:
            spans.append(Period(self.since_us, until_us, self.check.settings.interval_us))
        return {slot for span in spans for slot in _slots(self.check.id, span)}


def _earlier(time_us: int | None, most_us: int) -> int | None:
    return None if time_us is None else min(time_us, most_us)


def _until(result: Result, now_us: int) -> Result:
    """Return a result without its slots after now."""
    return replace(result, slot_count=min(result.slot_count, (now_us - result.slot_us) // result.interval_us + 1))


def _slots(check_id: UUID, span: Period) -> range:
    first = first_slot_at_or_after(anchor_us(check_id, span.interval_us), span.interval_us, span.start_us)
    return range(first, span.end_us, span.interval_us)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of maintenance of a tenant's service, or of all of them."""

    tenant_id: UUID
    service_id: UUID | None
    span: Span


class Database:
    """What is in it.

    Args:
        tell: notifies all workers that listen, on a channel, of a payload.

    Attributes:
        tell: as given.
        table: the leases.
        rows: check → its row; those that are deleted are gone.
        suspensions: tenant → spans in which it was suspended; one that goes on has no end.
        windows: spans of maintenance.
        taken: shard → who took it last, and when.
        trespasses: what was done to shards that are another's.
        premature: results that were recorded before their slots were due by its clock.
    """

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self.tell = tell
        self.table = LeaseTable()
        self.rows: dict[UUID, Row] = {}
        self.suspensions: dict[UUID, list[tuple[int, int | None]]] = {}
        self.windows: list[Window] = []
        self.taken: dict[int, tuple[str, float]] = {}
        self.trespasses: list[str] = []
        self.premature: list[str] = []

    @property
    def now_s(self) -> float:
        """Its clock, in seconds from where it began."""
        return self.table.now_s

    @property
    def now_us(self) -> int:
        """Its clock."""
        return BASE_US + round(self.now_s * SECOND_US)

    def is_suspended(self, tenant_id: UUID) -> bool:
        """Whether a tenant is suspended."""
        return any(end_us is None for _, end_us in self.suspensions.get(tenant_id, ()))

    def is_on(self, row: Row) -> bool:
        """Whether a check is to be run: it is enabled, and its tenant is not suspended."""
        return row.since_us is not None and not self.is_suspended(row.check.tenant_id)

    def account(self, row: Row) -> Watermark:
        """Up to where the slots of a check that is on are accounted for, and what lies behind that."""
        after_us = row.accounted_us
        former = tuple(each for each in row.former if each.end_us > after_us)
        suspended = self.suspensions.get(row.check.tenant_id, ())
        off = tuple((start, end) for start, end in suspended if end is not None and end > after_us)
        return Watermark(after_us, former, off)

    def record(self, result: Result) -> None:
        """Record a result that counts."""
        row = self.rows[result.check_id]
        row.results.append(result)
        ahead_us = result.slot_us + (result.slot_count - 1) * result.interval_us - self.now_us
        if ahead_us > 0:
            self.premature.append(f"{result.worker_id} recorded {result} {ahead_us} us before it was due")
        taker, _ = self.taken.get(row.shard, (result.worker_id, 0.0))
        if taker != result.worker_id:
            self.trespasses.append(f"{result.worker_id} recorded what {taker} has taken")

    def restart_grid(self, shards: Collection[int]) -> None:
        """Restart the grid of the checks whose accounts are too far ahead, as the SQL function restart_grid does."""
        now_us = self.now_us
        for row in self.rows.values():
            if row.shard in shards and row.accounted_us > now_us + PAUSE_LIMIT_US:
                row.restart(now_us)

    def create(self, check: Check) -> None:
        """Record a new check, as CheckSql.create_check does."""
        row = Row(check=check, since_us=check.create_us, accounted_us=check.create_us)
        self.rows[check.id] = row
        self._changed(row)

    def change(self, check_id: UUID, decide: Callable[[Check], Check]) -> None:
        """Make a check what `decide` says, as CheckSql.change_check does."""
        row = self.rows[check_id]
        before, after = row.check, decide(row.check)
        if after == before:
            return
        row.check = after
        if (after.enabled, after.settings.interval_us) != (before.enabled, before.settings.interval_us):
            if row.since_us is not None:
                row.former.append(Period(row.since_us, after.update_us, before.settings.interval_us))
            row.since_us = after.update_us if after.enabled else None
        if before.enabled and not after.enabled and row.incidents:
            row.incidents[-1].end(after.update_us, Resolution.CHECK_PAUSED)
        if after.enabled and not before.enabled:
            row.track = Track()
        self._changed(row)

    def delete(self, check_id: UUID) -> None:
        """Delete a check, as CheckSql.delete_check does."""
        self._changed(self.rows.pop(check_id))

    def resolve(self, check_id: UUID) -> None:
        """End a check's incident by hand, as IncidentSql.take_step does."""
        self.rows[check_id].incidents[-1].end(self.now_us, Resolution.BY_HAND)

    def suspend(self, tenant_id: UUID) -> None:
        """Suspend a tenant, as TenantSql.suspend does; one that is suspended stays so."""
        if not self.is_suspended(tenant_id):
            self.suspensions.setdefault(tenant_id, []).append((self.now_us, None))
            self.tell(check_changes.TENANT_CHANNEL, str(tenant_id))

    def resume(self, tenant_id: UUID) -> None:
        """Let a tenant go on, as TenantSql.resume does; one that is not suspended goes on as it did."""
        if self.is_suspended(tenant_id):
            spans = self.suspensions[tenant_id]
            spans[-1] = (spans[-1][0], self.now_us)
            self.tell(check_changes.TENANT_CHANNEL, str(tenant_id))

    def maintenance_of(self, row: Row) -> list[Span]:
        """The spans of maintenance of a check."""
        its = {(row.check.tenant_id, None), (row.check.tenant_id, row.check.service_id)}
        return [each.span for each in self.windows if (each.tenant_id, each.service_id) in its]

    def was_suspended(self, row: Row, slot_us: int) -> bool:
        """Whether a slot lies where the check's tenant was suspended."""
        spans = self.suspensions.get(row.check.tenant_id, ())
        return in_maintenance(slot_us, ((start, self.now_us + 1 if end is None else end) for start, end in spans))

    def _changed(self, row: Row) -> None:
        self.tell(check_changes.CHANNEL, CheckChange(row.shard, *row.key).payload())
