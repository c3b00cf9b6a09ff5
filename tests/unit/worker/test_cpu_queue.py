"""Work that takes long runs off the event loop, one piece at a time, tenants taking turns."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.clock import SECOND_US
from services.platform.errors import ResourceExhausted
from services.worker.cpu_queue import CpuQueue
from tests.support.patience import PATIENCE_S

A, B = UUID(int=1), UUID(int=2)
T0 = 1_700_000_000 * SECOND_US


class Work:
    """Pieces of work that end when they are let go."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.threads: set[int] = set()
        self.go = threading.Event()

    def piece(self, name: str) -> Callable[[], str]:
        """A piece of work that answers its name."""

        def work() -> str:
            assert self.go.wait(PATIENCE_S)
            self.done.append(name)
            self.threads.add(threading.get_ident())
            return name

        return work


@pytest.fixture
async def queue() -> AsyncIterator[CpuQueue]:
    queue = CpuQueue(clock_us=lambda: T0)
    yield queue
    queue.close()


async def test_tenants_take_turns_in_one_thread_that_is_not_the_event_loops(queue: CpuQueue) -> None:
    work = Work()
    first = [asyncio.create_task(queue.run(A, work.piece(f"a{number}"))) for number in range(4)]
    await asyncio.sleep(0)
    second = [asyncio.create_task(queue.run(B, work.piece(f"b{number}"))) for number in range(2)]
    await asyncio.sleep(0)
    assert work.done == []  # the event loop goes on meanwhile
    work.go.set()
    assert await asyncio.gather(*first, *second) == ["a0", "a1", "a2", "a3", "b0", "b1"]
    assert work.done == ["a0", "a1", "b0", "a2", "b1", "a3"]
    assert len(work.threads) == 1
    assert threading.get_ident() not in work.threads


async def test_what_work_raises_is_raised_and_the_next_is_done(queue: CpuQueue) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await queue.run(A, broken)
    assert await queue.run(A, lambda: 1) == 1


async def test_work_whose_caller_has_gone_is_not_begun(queue: CpuQueue) -> None:
    work = Work()
    tasks = [asyncio.create_task(queue.run(A, work.piece(f"a{number}"))) for number in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.sleep(0)
    work.go.set()
    assert await tasks[0] == "a0"
    assert await tasks[2] == "a2"
    assert work.done == ["a0", "a2"]


async def test_a_tenant_is_charged_for_what_its_work_took(queue: CpuQueue) -> None:
    def busy() -> int:
        return sum(range(200_000))

    await queue.run(A, busy)
    assert A in queue.budget._left
    assert B not in queue.budget._left


async def test_calls_of_a_tenant_that_has_spent_its_budget_are_refused_with_when_to_try_again(queue: CpuQueue) -> None:
    queue.charge(A, 2 * SECOND_US)
    queue.refuse_excess(B)
    with pytest.raises(ResourceExhausted) as refused:
        queue.refuse_excess(A)
    assert refused.value.reason == reasons.ERROR_REASON_OVERLOADED
    assert refused.value.metadata == {"limit": "0.25"}
    assert refused.value.retry_after_s == pytest.approx(4, abs=0.01)


async def test_more_waiting_calls_of_a_tenant_than_may_wait_are_refused(queue: CpuQueue) -> None:
    work = Work()
    tasks = [asyncio.create_task(queue.run(A, work.piece(str(number)))) for number in range(9)]  # one of them runs
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(ResourceExhausted) as refused:
        queue.refuse_excess(A)
    assert refused.value.metadata == {"limit": "8", "actual": "8"}
    queue.refuse_excess(B)
    work.go.set()
    await asyncio.gather(*tasks)
    queue.refuse_excess(A)
