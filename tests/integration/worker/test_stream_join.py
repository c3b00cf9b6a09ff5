"""Whoever joins, resumes or leaves when, and whatever transactions commit late or not at all: each reader sees exactly
its tenant's results from where it began, once, in recording order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from services.platform.clock import from_datetime
from services.worker.streams import stream, tail
from services.worker.streams.position import Position
from services.worker.streams.reader import RecordedResult
from services.worker.streams.stream import StreamEnd
from tests.integration.worker.streaming import Connection, Scene, Worker, a_scene, a_worker, joined
from tests.support.examples import examples
from tests.support.patience import PATIENCE_S

WRITERS = 3
TENANTS = 2

_writer = st.integers(0, WRITERS - 1)
_tenant = st.integers(0, TENANTS - 1)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("record"), _writer, _tenant, st.integers(1, 5)),
        st.tuples(st.just("commit"), _writer),
        st.tuples(st.just("rollback"), _writer),
        st.tuples(st.just("join"), _tenant, st.booleans()),
        st.tuples(st.just("resume"), _tenant, st.booleans(), st.integers(0, 100), st.integers(0, 8)),
        st.just(("look",)),
    ),
    min_size=6,
    max_size=30,
)


@dataclass
class Reading:
    """What one reader saw, and where it began."""

    scene: Scene
    begun: Position
    seen: list[Position] = field(default_factory=list)


@pytest.fixture
async def writers(database_url: str) -> AsyncIterator[list[Connection]]:
    connections = [await asyncpg.connect(database_url) for _ in range(WRITERS + 1)]
    yield connections
    for connection in connections:
        await connection.close()


@pytest.fixture
async def workers(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Worker]]:
    """Two, with pages so small that every path is gone."""
    monkeypatch.setattr(stream, "_PAGE", 3)
    monkeypatch.setattr(stream, "_SPAN_XIDS", 4)
    monkeypatch.setattr(stream, "_NEAR_XIDS", 6)
    monkeypatch.setattr(tail, "PAGE", 4)
    async with a_worker(database_url) as one, a_worker(database_url) as two:
        yield [one, two]


@examples(
    40,
    unfit=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # what depends on timing does not shrink
)
@given(steps=_steps)
async def test_each_reader_sees_its_tenants_results_once_and_in_order(
    writers: list[Connection], workers: list[Worker], steps: list[tuple[Any, ...]]
) -> None:
    own, *others = writers
    scenes = [await a_scene(own) for _ in range(TENANTS)]
    run = Run(scenes, own, others, workers)
    async with AsyncExitStack() as stack:
        for step in steps:
            await run.take(stack, step)
        await run.finish()
        for reading in run.readings:
            assert reading.seen == await run.expected(reading)


class Run:
    """One sequence of steps."""

    def __init__(self, scenes: list[Scene], own: Connection, writers: list[Connection], workers: list[Worker]) -> None:
        self.scenes = scenes
        self.writers = writers
        self.workers = workers
        self.own = own
        self.open: dict[int, Any] = {}
        self.readings: list[Reading] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.numbers = iter(range(3_000))

    async def take(self, stack: AsyncExitStack, step: tuple[Any, ...]) -> None:
        match step:
            case ("record", writer, tenant, count):
                await self.record(writer, self.scenes[tenant], count)
            case ("commit", writer) if writer in self.open:
                await self.open.pop(writer).commit()
            case ("rollback", writer) if writer in self.open:
                await self.open.pop(writer).rollback()
            case ("join", tenant, second):
                await self.join(stack, self.scenes[tenant], self.workers[second], None)
            case ("resume", tenant, second, which, meanwhile):
                scene = self.scenes[tenant]
                known = [at for each in self.readings if each.scene is scene for at in (each.begun, *each.seen)]
                if known:
                    await self.join(stack, scene, self.workers[second], known[which % len(known)])
                    await self.write(scene, meanwhile)
            case ("look",):
                for worker in filter(Worker.is_read, self.workers):
                    await worker.has_looked()

    async def record(self, writer: int, scene: Scene, count: int) -> None:
        """Record results in a writer's transaction, which stays open."""
        if writer not in self.open:
            self.open[writer] = self.writers[writer].transaction()
            await self.open[writer].start()
        await scene.record(self.writers[writer], *(next(self.numbers) for _ in range(count)))

    async def write(self, scene: Scene, count: int) -> None:
        """Record some results, each in a transaction of its own, while a reader is catching up."""
        for _ in range(count):
            await scene.record(self.own, next(self.numbers))

    async def join(self, stack: AsyncExitStack, scene: Scene, worker: Worker, cursor: Position | None) -> None:
        events = await stack.enter_async_context(worker.follow(scene.tenant_id, cursor))
        reading = Reading(scene, await joined(events))

        async def read() -> None:
            async for event in events:
                assert not isinstance(event, StreamEnd)
                if isinstance(event, RecordedResult):
                    assert event.result.tenant_id == scene.tenant_id
                    reading.seen.append(event.position)

        self.readings.append(reading)
        task = asyncio.create_task(read())
        self.tasks.append(task)
        stack.push_async_callback(cancelled, task)

    async def finish(self) -> None:
        """Let all that is under way commit, and wait until everybody has seen a last result."""
        for transaction in self.open.values():
            await transaction.commit()
        for scene in self.scenes:
            await scene.record(self.own, 3_000)
        async with asyncio.timeout(PATIENCE_S):
            for reading in self.readings:
                last = (await self.expected(reading))[-1]
                while last not in reading.seen:  # noqa: ASYNC110 — a reader's own list is what is waited for
                    await asyncio.sleep(0.002)

    async def expected(self, reading: Reading) -> list[Position]:
        rows = await self.own.fetch(
            "SELECT recorded_xid, slot_time, check_id, system_identifier FROM results, clusters"
            " WHERE tenant_id = $1 ORDER BY 1, 2, 3",
            reading.scene.tenant_id,
        )
        positions = [Position(row[0], from_datetime(row[1]), UUID(bytes=row[2].bytes), row[3]) for row in rows]
        return [position for position in positions if position > reading.begun]


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
