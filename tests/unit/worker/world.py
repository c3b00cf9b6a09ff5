"""A simulated installation: the worker's own rooms on virtual time, a database in memory, a target that is always up.

Each worker is an event loop of its own, so that it can stand still alone. Time jumps from one thing that is due to the
next; nothing here waits. The machine's clocks are replaced, not the rooms.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from types import MappingProxyType
from uuid import UUID

from services.checks import check_changes
from services.checks.grid import shard_of
from services.checks.result import Result
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.monitor.drafts import CheckDraft, changed_check, new_check, paused_check, resumed_check
from services.platform.clock import SECOND_US
from services.platform.rpc.server import background
from services.wire.network import Network
from services.wire.observation import Observation
from services.worker.clock import SharedClock, monotonic_us
from services.worker.dispatch import Dispatcher
from services.worker.engine import Engine
from services.worker.judging.judge import UP
from services.worker.kinds.kind import Probe
from services.worker.lease import SHARDS_FREE, TTL_S, Leases, Renewal
from services.worker.probe import Prober
from services.worker.record import Recorder
from services.worker.report import WorkerReport
from services.worker.results import to_result
from services.worker.roster import Roster
from services.worker.schedule import ScheduledCheck
from services.worker.self_fault_guard import SelfFaultGuard
from tests.support.rows import a_report
from tests.support.simulation.database import BASE_US, Database, Row
from tests.support.simulation.line import TRIPS_S, Line
from tests.support.simulation.memory import Memory
from tests.unit.worker.virtual import VirtualLoop

_PATIENCE_S = 2.0
# How long runs take; shorter than the patience, so that a worker that stops cuts none off.
_RUNS_S = (0.001, 0.05, 1.5)
TENANTS = (UUID(int=1), UUID(int=2))
_SERVICE_ID = UUID(int=3)


class World:
    """True time, the database, and the workers. It is what stands in for the module `time`.

    Args:
        trips_s: how long one way to the database may take.

    Attributes:
        now_s: true time, which every monotonic clock follows.
        step_s: how far the database's clock has been stepped from true time.
        database: what all workers share.
        line: the way to it.
        workers: all that ever were.
        running: the one that does something now.
    """

    def __init__(self, trips_s: Sequence[float] = TRIPS_S) -> None:
        self.now_s = 0.0
        self.step_s = 0.0
        self.database = Database(self._tell)
        self.line = Line(trips_s)
        self.workers: list[Worker] = []
        self.running: Worker | None = None

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
        self.now_s = now_s
        self.database.table.now_s = now_s + self.step_s

    def step_database_clock(self, seconds: float) -> None:
        """Step the clock of the database."""
        self.step_s += seconds
        self._set(self.now_s)

    def _tell(self, channel: str, payload: str) -> None:
        for worker in self.workers:
            # Who stands still or is cut off never hears of it.
            if worker.is_active and not self.line.away:
                worker.hear(channel, payload)

    def create(self, number: int, shard: int, interval_us: int) -> None:
        """Make a check, of one tenant after the other.

        Args:
            number: of the check: no two have the same.
            shard: its shard.
            interval_us: its interval.
        """
        ids = (UUID(int=(number << 64) + more) for more in count())
        check_id = next(each for each in ids if shard_of(each) == shard)
        draft = CheckDraft(
            name=f"check {number}", spec=HttpSpec(url=f"http://target.{shard}/"), given={"interval_us": interval_us}
        )
        check = new_check(TENANTS[number % len(TENANTS)], _SERVICE_ID, draft, self.database.now_us)
        self.database.create(replace(check, id=check_id))

    def change_interval(self, row: Row, interval_us: int) -> None:
        """Give a check another interval."""
        draft = CheckDraft(name=row.check.name, spec=row.check.spec, given={"interval_us": interval_us})
        now_us = self.database.now_us
        self.database.change(row.check.id, lambda check: changed_check(check, "", lambda _: draft, now_us))

    def pause(self, row: Row) -> None:
        """Pause a check."""
        now_us = self.database.now_us
        self.database.change(row.check.id, lambda check: paused_check(check, now_us))

    def resume(self, row: Row) -> None:
        """Let a check go on."""
        now_us = self.database.now_us
        self.database.change(row.check.id, lambda check: resumed_check(check, now_us))

    def monotonic_ns(self) -> int:
        """The monotonic clock of the calling worker."""
        return round((self.now_s + 1) * 1e9)

    def time_ns(self) -> int:
        """The wall clock of the calling worker."""
        step_s = self.running.step_s if self.running else 0.0
        return (BASE_US + round((self.now_s + step_s) * SECOND_US)) * 1000

    def close(self) -> None:
        """End all workers, those that stand still too."""
        self.line.away = "refusing"
        for worker in self.workers:
            worker.bury()


@dataclass(frozen=True)
class UpProbe:
    """The probe of a spec."""

    spec: Spec

    async def attempt(self, _network: Network, _seen: Observation) -> None:
        raise NotImplementedError("UpProber makes no attempts")


class UpProber(Prober):
    """A target that is always up; a run takes a while."""

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker

    def probe_of(self, spec: Spec) -> "UpProbe":
        return UpProbe(spec)

    async def run(
        self, check: ScheduledCheck, slot_us: int, start_us: int, *, probe: Probe | None = None, **_: object
    ) -> Result:
        if not isinstance(probe, UpProbe) or probe.spec != check.spec:
            raise RuntimeError("a check is run with the probe of another spec")
        self._worker.on_start(check.spec)
        await asyncio.sleep(random.choice(_RUNS_S))  # noqa: S311 — not a secret
        seen = Observation(status_code=200, total_us=1)
        return to_result(check, seen, UP, slot_us=slot_us, start_us=start_us, worker_id=self._worker.id)


class Store(Memory):
    """The database as one worker asks it.

    Attributes:
        epochs: what it holds, by the last answer that it got.
        asked_s: when it asked for that.
    """

    epochs: Mapping[int, int] = MappingProxyType({})
    asked_s = 0.0

    async def renew(
        self, worker_id: str, ttl_s: float, report: WorkerReport, *, claim_expired: bool, ahead_us: int | None = None
    ) -> Renewal:
        asked_s = monotonic_us() / SECOND_US - 1
        renewal = await super().renew(worker_id, ttl_s, report, claim_expired=claim_expired, ahead_us=ahead_us)
        self.epochs, self.asked_s = renewal.epochs, asked_s
        return renewal


class Worker:
    """One worker process: what services/worker/app.py builds, without Envoy and the network.

    Args:
        world: what it lives in.
        number: becomes part of its id.
        line: its way to the database; the one that all workers share by default.

    Attributes:
        step_s: how far its machine's wall clock is off.
        stalled: whether it stands still.
        dead: whether it was killed.
        stopping: whether it was asked to stop.
    """

    def __init__(self, world: World, number: int, line: Line | None = None) -> None:
        self.id = f"worker-{number}"
        self.step_s = 0.0
        self.stalled = self.dead = self.stopping = False
        self.loop = VirtualLoop(world.now_s)
        self._world = world
        self._stop = asyncio.Event()
        world.running = self
        store = self._store = Store(world.database, line or world.line)
        clock = SharedClock()
        self.leases = Leases(store, self.id, clock, a_report)
        self._recorder = Recorder(store, SelfFaultGuard((), clock), self.leases.epoch, clock)
        self._engine = Engine(UpProber(self), self._recorder, self.id, Dispatcher(100, 100, 100), self.leases, clock)
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

    def hear(self, channel: str, payload: str) -> None:
        """Be notified."""
        react = {
            check_changes.CHANNEL: self.roster.on_notify,
            check_changes.TENANT_CHANNEL: self.roster.on_tenant_notify,
            SHARDS_FREE: self.leases.on_free,
        }[channel]
        self.loop.call_soon(react, payload)
        self.loop.due_s = self._world.now_s

    def stop(self) -> None:
        """Stop in order."""
        self.stopping = True
        self.loop.call_soon(self._stop.set)
        self.loop.due_s = self._world.now_s

    def on_start(self, spec: Spec) -> None:
        """A worker that starts a run holds its shard as far as it can know (semantics.md §5, §6).

        It may have given the shard up, and somebody else may run it already, before the answer tells it so; when that
        is lost, and the next ones too, it runs the shard until its lease would have ended.
        """
        shard = int(spec.target.rpartition(".")[2])
        database = self._world.database
        holder, store = database.table.holder(shard), self._store
        if holder in {self.id, None}:
            return
        if shard not in store.epochs:
            database.trespasses.append(f"{self.id} ran shard {shard} of {holder}, and knew that it was not its own")
        elif self._world.now_s - store.asked_s > TTL_S:
            database.trespasses.append(f"{self.id} ran shard {shard} of {holder} when its lease had ended")

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
