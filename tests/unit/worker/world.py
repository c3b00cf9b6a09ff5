"""A simulated installation: the worker's own rooms on virtual time, a database in memory, a target that is always up.

Each worker is an event loop of its own, so that it can stand still alone. Time jumps from one thing that is due to the
next; nothing here waits. The machine's clocks are replaced, not the rooms.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from services.common.check_changes import CheckChange
from services.common.clock import SECOND_US
from services.common.errors import Unavailable
from services.common.grid import anchor_us, first_slot_at_or_after
from services.common.outcome import Outcome
from services.common.result import Result
from services.common.server import background
from services.common.spec import HttpSpec
from services.common.state import Track
from services.worker.clock import SharedClock, monotonic_us
from services.worker.dispatch import Dispatcher
from services.worker.engine import Engine
from services.worker.guard import SelfFaultGuard
from services.worker.lease import Leases, Renewal
from services.worker.probe import Observation, Prober
from services.worker.record import Pending, Recorder
from services.worker.report import WorkerReport
from services.worker.roster import Held, Roster
from services.worker.schedule import Account, Period, ScheduledCheck
from services.worker.tally import Tally, count
from tests.leases import LeaseTable
from tests.rows import a_report
from tests.unit.worker.virtual import VirtualLoop
from tests.worker import a_scheduled_check

BASE_US = 1_790_000_000 * SECOND_US
# Each way to the database; now and then slow, so that what follows overtakes it.
_TRIPS_S = (0.002, 0.002, 0.002, 0.6)
_COMMAND_S = 30.0
_PATIENCE_S = 2.0
# How long runs take; shorter than the patience, so that a worker that stops cuts none off.
RUNS_S = (0.001, 0.05, 1.5)
# For how long two workers may run a shard at once: one has given it up and does not know it yet.
MOMENT_S = 1.0


@dataclass(slots=True, repr=False)
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

    def slots(self) -> list[int]:
        """Each slot that is accounted for; ranges are expanded."""
        return [each.slot_us + number * each.interval_us for each in self.results for number in range(each.slot_count)]


def _slots(check_id: UUID, span: Period) -> range:
    first = first_slot_at_or_after(anchor_us(check_id, span.interval_us), span.interval_us, span.start_us)
    return range(first, span.end_us, span.interval_us)


class World:
    """Everything that is shared: true time, the database, and the workers.

    Attributes:
        now_s: true time, which the database's clock and every monotonic clock follow.
        rows: check → its row; those that are deleted are gone.
        away: how the database is away: "refusing", "silent", or not at all.
    """

    def __init__(self) -> None:
        self.now_s = 0.0
        self.table = LeaseTable()
        self.rows: dict[UUID, Row] = {}
        self.workers: list[Worker] = []
        self.away = ""
        self.running: Worker | None = None
        self.taken_s: dict[int, float] = {}

    @property
    def now_us(self) -> int:
        """The database's clock."""
        return BASE_US + round(self.now_s * SECOND_US)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end_s = self.now_s + seconds
        while True:
            active = [each for each in self.workers if each.is_active]
            soonest = min(active, key=lambda each: each.loop.due_s, default=None)
            if soonest is None or soonest.loop.due_s > end_s:
                break
            self._set(max(self.now_s, soonest.loop.due_s))
            soonest.go_on()
        self._set(end_s)

    def _set(self, now_s: float) -> None:
        self.now_s = self.table.now_s = now_s

    def change(self, row: Row, check: ScheduledCheck, *, on: bool) -> None:
        """What the monitor does: one period ends, another begins."""
        now_us = self.now_us
        since_us, interval_us = row.tally.since_us, row.tally.interval_us
        if since_us is not None and interval_us is not None and now_us > since_us:
            row.periods.append(Period(since_us, now_us, interval_us))
        row.check = replace(check, since_us=now_us)
        row.tally.since_us, row.tally.interval_us = (now_us, check.interval_us) if on else (None, None)
        row.update_us = now_us
        self.notify(row)

    def notify(self, row: Row) -> None:
        """Tell all workers that a check has changed."""
        payload = CheckChange(row.check.shard, row.check.tenant_id, row.check.id).payload()
        for worker in self.workers:
            self._tell(worker, worker.roster.on_notify, payload)

    def tell_free(self, worker_id: str) -> None:
        """Tell all workers that one has given shards up."""
        for worker in self.workers:
            self._tell(worker, worker.leases.on_free, worker_id)

    def _tell(self, worker: "Worker", react: Callable[[str], None], payload: str) -> None:
        # Who stands still or is cut off never hears of it.
        if worker.is_active and not self.away:
            worker.loop.call_soon(react, payload)
            worker.loop.due_s = self.now_s

    def create(self, check_id: UUID, interval_us: int, shard: int) -> Row:
        """A new check."""
        now_us = self.now_us
        spec = HttpSpec(f"http://target.test/{shard}")
        check = a_scheduled_check(check_id, interval_us, shard=shard, since_us=now_us, spec=spec)
        tally = Tally(check.tenant_id, Track(), now_us, None, now_us, interval_us)
        row = self.rows[check_id] = Row(check, tally, now_us)
        self.notify(row)
        return row

    def monotonic_ns(self) -> int:
        """The monotonic clock of whoever asks."""
        return round((self.now_s + 1) * 1e9)

    def time_ns(self) -> int:
        """The wall clock of whoever asks."""
        step_s = self.running.step_s if self.running else 0.0
        return (BASE_US + round((self.now_s + step_s) * SECOND_US)) * 1000

    def close(self) -> None:
        """End all workers, those that stand still too."""
        self.away = "refusing"
        for worker in self.workers:
            worker.bury()


class Memory:
    """The database as one worker sees it."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def _ask(self) -> float:
        """The way to the database; answers how long it was, since the way back is as long: else the clock that the
        worker takes from the answer would be off by half the difference."""
        trip_s = random.choice(_TRIPS_S)  # noqa: S311 — not a secret
        await self._trip(trip_s)
        return trip_s

    async def _trip(self, trip_s: float) -> None:
        """One way to the database or back."""
        if self._world.away == "refusing":
            raise Unavailable
        await asyncio.sleep(trip_s)
        give_up_s = asyncio.get_running_loop().time() + _COMMAND_S
        while self._world.away:
            if self._world.away == "refusing" or asyncio.get_running_loop().time() > give_up_s:
                raise Unavailable
            await asyncio.sleep(0.1)

    async def renew(self, worker_id: str, ttl_s: float, _report: WorkerReport, *, claim: bool) -> Renewal:
        asked_us = monotonic_us()
        trip_s = await self._ask()
        table, database_us = self._world.table, self._world.now_us
        before = [lease.worker_id for lease in table.leases]
        free_in_s = table.free_in_s(worker_id)
        epochs = table.renew(worker_id, ttl_s, claim=claim)
        self._world.taken_s |= {shard: self._world.now_s for shard in epochs if before[shard] != worker_id}
        if any(
            lease.worker_id is None and holder == worker_id for lease, holder in zip(table.leases, before, strict=True)
        ):
            self._world.tell_free(worker_id)
        await self._trip(trip_s)
        return Renewal(epochs, database_us, asked_us, monotonic_us(), free_in_s)

    async def leave(self, worker_id: str) -> None:
        trip_s = await self._ask()
        self._world.table.leave(worker_id)
        self._world.tell_free(worker_id)
        await self._trip(trip_s)

    async def checks_of_shards(self, shards: Collection[int]) -> AsyncIterator[Sequence[Held]]:
        trip_s = await self._ask()
        for row in list(self._world.rows.values()):
            if row.is_on and row.check.shard in shards:
                held = _held(row)
                await self._trip(trip_s)
                yield [held]

    async def checks_by_id(self, ids: Collection[UUID]) -> Sequence[Held]:
        trip_s = await self._ask()
        held = [_held(self._world.rows[each]) for each in ids if each in self._world.rows]
        held = [each for each in held if self._world.rows[each[0].id].is_on]
        await self._trip(trip_s)
        return held

    async def checks_of_tenant(self, tenant_id: UUID, shards: Collection[int]) -> Sequence[Held]:
        trip_s = await self._ask()
        held = [_held(row) for row in self._world.rows.values() if row.is_on and row.check.shard in shards]
        await self._trip(trip_s)
        return [each for each in held if each[0].tenant_id == tenant_id]

    async def changed_since(self, since_us: int, shards: Collection[int]) -> Sequence[tuple[UUID, int]]:
        trip_s = await self._ask()
        changed = [
            (row.check.id, row.update_us)
            for row in self._world.rows.values()
            if row.update_us >= since_us and row.check.shard in shards
        ]
        await self._trip(trip_s)
        return changed

    async def counts(self, shards: Collection[int]) -> Mapping[int, int]:
        trip_s = await self._ask()
        on = [row.check.shard for row in self._world.rows.values() if row.is_on and row.check.shard in shards]
        await self._trip(trip_s)
        return {shard: on.count(shard) for shard in on}

    async def record(self, batch: Sequence[Pending]) -> int:
        trip_s = await self._ask()
        tallies = {}
        for row in self._world.rows.values():
            row.tally.epoch = self._world.table.leases[row.check.shard].epoch
            row.tally.former = row.periods
            tallies[row.check.id] = row.tally
        counted = count(batch, tallies)
        for pending in counted:
            self._world.rows[pending.result.check_id].results.append(pending.result)
        await self._trip(trip_s)
        return len(counted)


def _held(row: Row) -> Held:
    former = tuple(period for period in row.periods if period.end_us > row.tally.accounted_us)
    return row.check, Account(row.tally.accounted_us, former)


class UpProber(Prober):
    """A target that is always up; a run takes a while."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker

    async def run(self, spec: HttpSpec, **_: object) -> Observation:
        self._worker.on_start(spec)
        await asyncio.sleep(random.choice(RUNS_S))  # noqa: S311 — not a secret
        none = (None,) * 5
        return Observation(Outcome.UP, None, "", 200, *none, 1, None, None, None, None, 0, 1)


class Worker:
    """One worker process: what services/worker/app.py builds, without the door and the wire.

    Attributes:
        step_s: how far its machine's wall clock is off.
        stalled: whether it stands still.
        dead: whether it was killed.
        stopping: whether it was told to stop.
    """

    def __init__(self, world: World, number: int) -> None:
        self.id = f"worker-{number}"
        self.step_s = 0.0
        self.stalled = self.dead = self.stopping = False
        self.loop = VirtualLoop(world.now_s)
        self._world = world
        self._stop = asyncio.Event()
        world.running = self
        store = Memory(world)
        clock = SharedClock()
        self.leases = Leases(store, self.id, clock, a_report)
        self._recorder = Recorder(store, SelfFaultGuard((), clock), self.leases.epoch, clock)
        self._engine = Engine(UpProber(self), self._recorder, self.id, Dispatcher(100, 100), self.leases, clock)
        self.roster = Roster(store, self._engine, self._recorder, clock)
        self._main = self.loop.create_task(self._live())

    def __repr__(self) -> str:
        return f"<{self.id}>"

    @property
    def is_active(self) -> bool:
        """Whether it does anything."""
        return not (self.stalled or self.dead or self._main.done())

    def go_on(self) -> None:
        """Do what is due by now."""
        self._world.running = self
        self.loop.run_until(self._world.now_s)
        if self._main.done():
            self._main.result()

    def stop(self) -> None:
        """Stop in order."""
        self.stopping = True
        self.loop.call_soon(self._stop.set)
        self.loop.due_s = self._world.now_s

    def on_start(self, spec: HttpSpec) -> None:
        """Whoever starts a run holds its shard, or did until a moment ago (semantics.md §5, §6)."""
        shard = int(spec.url.rpartition("/")[2])
        holder = self._world.table.holder(shard)
        since_s = self._world.now_s - self._world.taken_s.get(shard, 0.0)
        assert holder in {self.id, None} or since_s < MOMENT_S, f"{self.id} ran shard {shard}, which {holder} holds"

    def bury(self) -> None:
        """End it, whatever it is in the middle of."""
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self._world.running = self
        while asyncio.all_tasks(self.loop):
            self.loop.run_until(self.loop.time())
        self.loop.close()

    async def _live(self) -> None:
        async with background(self._recorder.run()):
            async with background(self.leases.run(self.roster.set_shards), self.roster.run()):
                await self._stop.wait()
            await self._engine.stop(_PATIENCE_S)
            await self._recorder.drain(_PATIENCE_S)
            await self.leases.leave()
