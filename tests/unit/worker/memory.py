"""The database of a simulated installation: what the worker's stores ask, answered from memory on virtual time."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.common import check_changes
from services.common.check_changes import CheckChange
from services.common.clock import SECOND_US
from services.common.errors import Unavailable
from services.common.grid import anchor_us, first_slot_at_or_after
from services.common.result import Result
from services.common.specs.http import HttpSpec
from services.common.state import Track
from services.worker.clock import monotonic_us
from services.worker.lease import SHARDS_FREE, Renewal
from services.worker.record import Pending
from services.worker.report import WorkerReport
from services.worker.roster import Held, Key
from services.worker.schedule import Account, Period, ScheduledCheck
from services.worker.tally import Tally, count
from tests.leases import LeaseTable
from tests.worker import a_scheduled_check

BASE_US = 1_790_000_000 * SECOND_US
# Each way to the database; now and then slow, so that what follows overtakes it.
_TRIPS_S = (0.002, 0.002, 0.002, 0.6)
_PATIENCE_S = 5.0


@dataclass(slots=True, repr=False, kw_only=True)
class Row:
    """A check in the database, and what became of its slots."""

    check: ScheduledCheck
    tally: Tally
    update_us: int
    periods: list[Period] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<check {self.check.id.int} of shard {self.check.shard}>"

    @property
    def is_on(self) -> bool:
        return self.tally.since_us is not None

    def due(self, until_us: int) -> set[int]:
        """Every slot that has to be accounted for up to a time."""
        spans = [*self.periods]
        if self.tally.since_us is not None:
            spans.append(Period(self.tally.since_us, until_us, self.check.interval_us))
        return {slot for span in spans for slot in _slots(self.check.id, span)}

    def history(self) -> str:
        """Its periods: from when, until when, and the interval, in seconds."""
        spans = [(each.start_us - BASE_US, each.end_us - BASE_US, each.interval_us) for each in self.periods]
        if self.tally.since_us is not None:
            spans.append((self.tally.since_us - BASE_US, 0, self.check.interval_us))
        return str([tuple(part / SECOND_US for part in span) for span in spans])

    def slots(self) -> list[int]:
        """Each slot that is accounted for; ranges are expanded."""
        return [each.slot_us + number * each.interval_us for each in self.results for number in range(each.slot_count)]


def _slots(check_id: UUID, span: Period) -> range:
    first = first_slot_at_or_after(anchor_us(check_id, span.interval_us), span.interval_us, span.start_us)
    return range(first, span.end_us, span.interval_us)


class Database:
    """What is in it, and whether it can be reached.

    Args:
        tell: notifies all workers that listen, on a channel, of a payload.

    Attributes:
        now_s: its clock.
        table: the leases.
        rows: check → its row; those that are deleted are gone.
        taken: shard → who took it last, and when.
        trespasses: what was done to shards that are another's.
        away: how it is away: "refusing", "silent", or not at all.
        answers_to_lose: how many of the next answers never arrive; what was asked is done.
    """

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self.tell = tell
        self.table = LeaseTable()
        self.rows: dict[UUID, Row] = {}
        self.taken: dict[int, tuple[str, float]] = {}
        self.trespasses: list[str] = []
        self.away = ""
        self.answers_to_lose = 0

    @property
    def now_s(self) -> float:
        return self.table.now_s

    @property
    def now_us(self) -> int:
        return BASE_US + round(self.now_s * SECOND_US)

    def create(self, check_id: UUID, interval_us: int, shard: int) -> None:
        """A new check."""
        now_us = self.now_us
        spec = HttpSpec(url=f"http://target.{shard}/")
        check = a_scheduled_check(check_id, interval_us, shard=shard, since_us=now_us, spec=spec)
        tally = Tally(
            tenant_id=check.tenant_id,
            track=Track(),
            accounted_us=now_us,
            epoch=None,
            since_us=now_us,
            interval_us=interval_us,
        )
        self.rows[check_id] = row = Row(check=check, tally=tally, update_us=now_us)
        self._changed(row)

    def change(self, row: Row, *, interval_us: int, on: bool) -> None:
        """A check is changed: one period ends, another begins, unless it is off from now on."""
        now_us, tally = self.now_us, row.tally
        if tally.since_us is not None and tally.interval_us is not None and now_us > tally.since_us:
            row.periods.append(Period(tally.since_us, now_us, tally.interval_us))
        row.check = replace(row.check, interval_us=interval_us, timeout_us=interval_us // 2, since_us=now_us)
        tally.since_us, tally.interval_us = (now_us, interval_us) if on else (None, None)
        row.update_us = now_us
        self._changed(row)

    def delete(self, row: Row) -> None:
        """A check is gone, and what became of it."""
        del self.rows[row.check.id]
        self._changed(row)

    def _changed(self, row: Row) -> None:
        payload = CheckChange(row.check.shard, row.check.tenant_id, row.check.id).payload()
        self.tell(check_changes.CHANNEL, payload)


class Memory:
    """The database as one worker asks it.

    Args:
        database: what all of them ask.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _ask(self) -> float:
        """The way to the database; answers how long it was, since the way back is as long."""
        trip_s = random.choice(_TRIPS_S)  # noqa: S311 — not a secret
        await self._go(trip_s)
        return trip_s

    async def _answer(self, trip_s: float) -> None:
        """The way back."""
        await self._go(trip_s)
        if self._database.answers_to_lose:
            self._database.answers_to_lose -= 1
            raise Unavailable

    async def _go(self, trip_s: float) -> None:
        """One way, as long as it is open."""
        if self._database.away == "refusing":
            raise Unavailable
        await asyncio.sleep(trip_s)
        give_up_s = asyncio.get_running_loop().time() + _PATIENCE_S
        while self._database.away:
            if self._database.away == "refusing" or asyncio.get_running_loop().time() > give_up_s:
                raise Unavailable
            await asyncio.sleep(0.1)

    async def renew(self, worker_id: str, ttl_s: float, _report: WorkerReport, *, claim: bool) -> Renewal:
        trip_s = await self._ask()
        asked_us = monotonic_us()  # the clock is asked in a statement of its own, which is quick here
        table, database_us = self._database.table, self._database.now_us
        before = [lease.worker_id for lease in table.leases]
        free_in_s = table.free_in_s(worker_id)
        epochs = table.renew(worker_id, ttl_s, claim=claim)
        now_s = self._database.now_s
        self._database.taken |= {shard: (worker_id, now_s) for shard in epochs if before[shard] != worker_id}
        if any(
            lease.worker_id is None and holder == worker_id for lease, holder in zip(table.leases, before, strict=True)
        ):
            self._database.tell(SHARDS_FREE, worker_id)
        await self._answer(trip_s)
        return Renewal(
            epochs=epochs, database_us=database_us, asked_us=asked_us, answered_us=asked_us, free_in_s=free_in_s
        )

    async def leave(self, worker_id: str) -> None:
        trip_s = await self._ask()
        self._database.table.leave(worker_id)
        self._database.tell(SHARDS_FREE, worker_id)
        await self._answer(trip_s)

    async def checks_of_shards(self, shards: Collection[int]) -> AsyncIterator[Sequence[Held]]:
        trip_s = await self._ask()
        for row in list(self._database.rows.values()):
            if row.is_on and row.check.shard in shards:
                held = _held(row)
                await self._answer(trip_s)
                yield [held]

    async def checks_by_key(self, keys: Collection[Key]) -> Sequence[Held]:
        trip_s = await self._ask()
        held = [_held(self._database.rows[each]) for _, each in keys if each in self._database.rows]
        held = [each for each in held if self._database.rows[each[0].id].is_on]
        await self._answer(trip_s)
        return held

    async def checks_of_tenants(self, tenants: Collection[UUID], shards: Collection[int]) -> Sequence[Key]:
        trip_s = await self._ask()
        checks = [row.check for row in self._database.rows.values()]
        await self._answer(trip_s)
        return [(check.tenant_id, check.id) for check in checks if check.tenant_id in tenants and check.shard in shards]

    async def changed_since(self, since_us: int, shards: Collection[int]) -> Sequence[tuple[Key, int]]:
        trip_s = await self._ask()
        changed = [
            ((row.check.tenant_id, row.check.id), row.update_us)
            for row in self._database.rows.values()
            if row.update_us >= since_us and row.check.shard in shards
        ]
        await self._answer(trip_s)
        return changed

    async def counts(self, shards: Collection[int]) -> Mapping[int, int]:
        trip_s = await self._ask()
        on = [row.check.shard for row in self._database.rows.values() if row.is_on and row.check.shard in shards]
        await self._answer(trip_s)
        return {shard: on.count(shard) for shard in on}

    async def record(self, batch: Sequence[Pending]) -> int:
        trip_s = await self._ask()
        tallies = {}
        for row in self._database.rows.values():
            row.tally.epoch = self._database.table.leases[row.check.shard].epoch
            row.tally.former = row.periods
            tallies[row.check.id] = row.tally
        counted = count(batch, tallies)
        for pending in counted:
            self._database.rows[pending.result.check_id].results.append(pending.result)
            taker, _ = self._database.taken[pending.check.shard]
            if taker != pending.result.worker_id:
                self._database.trespasses.append(f"{pending.result.worker_id} recorded what {taker} has taken")
        await self._answer(trip_s)
        return len(counted)


def _held(row: Row) -> Held:
    former = tuple(period for period in row.periods if period.end_us > row.tally.accounted_us)
    return row.check, Account(row.tally.accounted_us, former)
