"""No tenant's calls keep the others from the database, whatever they do and however they end."""

import asyncio
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import ResourceExhausted, Unavailable
from services.platform.fair_pool import FairPool
from services.platform.postgres.connection_shares import ConnectionShares

CAPACITY, SHARE = 8, 4
A, B, C = (UUID(int=number) for number in (1, 2, 3))
FOR_EVER_S, AT_ONCE_S = 3_600.0, 0.0


class Calls:
    """Calls of tenants, each of which holds a connection until it is let go."""

    def __init__(self, wait_s: float = FOR_EVER_S) -> None:
        self.shares = ConnectionShares(CAPACITY, wait_s)
        self.served: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def begin(self, tenant_id: UUID, name: str) -> "asyncio.Task[None]":
        """Begin a call."""
        self._ends[name] = asyncio.Event()
        return asyncio.create_task(self._call(tenant_id, name))

    def end(self, name: str) -> None:
        """Let a call end."""
        self._ends[name].set()

    async def _call(self, tenant_id: UUID, name: str) -> None:
        async with self.shares.holding(tenant_id):
            self.served.append(name)
            await self._ends[name].wait()


async def settled() -> None:
    """Everything that can go on has."""
    for _ in range(8):
        await asyncio.sleep(0)


async def test_a_tenant_gets_half_and_others_are_served_beside_it() -> None:
    calls = Calls()
    tasks = [calls.begin(A, f"a{number}") for number in range(20)]
    await settled()
    assert calls.served == ["a0", "a1", "a2", "a3"]
    assert calls.shares.waiting_of(A) == 16

    tasks.append(calls.begin(B, "b0"))
    await settled()
    assert calls.served[4:] == ["b0"]

    for number in range(20):
        calls.end(f"a{number}")
    calls.end("b0")
    await asyncio.gather(*tasks)
    assert calls.served[5:] == [f"a{number}" for number in range(4, 20)]
    assert calls.shares.held_by(A) == calls.shares.held_by(B) == calls.shares.waiting_of(A) == 0


async def test_a_call_that_waited_too_long_is_told_the_limit_and_what_there_was() -> None:
    calls = Calls(AT_ONCE_S)
    tasks = [calls.begin(A, f"a{number}") for number in range(SHARE)]
    await settled()
    with pytest.raises(ResourceExhausted) as refused:
        await calls.begin(A, "too much")
    assert refused.value.reason == reasons.ERROR_REASON_OVERLOADED
    assert refused.value.metadata == {"limit": "4", "actual": "5"}
    assert refused.value.retry_after_s > 0
    assert calls.shares.held_by(A) == SHARE
    assert calls.shares.waiting_of(A) == 0

    for number in range(SHARE):
        calls.end(f"a{number}")
    await asyncio.gather(*tasks)
    last = calls.begin(A, "later")
    calls.end("later")
    await last


async def test_a_tenant_that_holds_nothing_is_told_that_the_database_is_busy() -> None:
    calls = Calls(AT_ONCE_S)
    tasks = []
    for number in range(4):  # four tenants take 4, 2, 1 and 1
        for each in range(SHARE):
            tasks.append(calls.begin(UUID(int=100 + number), f"{number}.{each}"))
            await settled()
    with pytest.raises(Unavailable):
        await calls.begin(C, "c")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_more_waiting_calls_than_may_wait_are_refused_at_once() -> None:
    calls = Calls()
    tasks = [calls.begin(A, str(number)) for number in range(SHARE + 200)]
    await settled()
    with pytest.raises(ResourceExhausted) as refused:
        await calls.begin(A, "too much")
    assert refused.value.metadata == {"limit": "4", "actual": "204"}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert calls.shares.held_by(A) == calls.shares.waiting_of(A) == 0


async def test_a_cancelled_call_gives_its_connection_back_and_one_that_waited_leaves_the_queue() -> None:
    calls = Calls()
    tasks = [calls.begin(A, f"a{number}") for number in range(SHARE + 3)]
    await settled()
    tasks[4].cancel()
    tasks[0].cancel()
    await settled()
    assert calls.served == ["a0", "a1", "a2", "a3", "a5"]
    assert calls.shares.held_by(A) == SHARE
    assert calls.shares.waiting_of(A) == 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_call_that_is_cancelled_just_as_its_turn_comes_passes_it_on() -> None:
    calls = Calls()
    tasks = [calls.begin(A, f"a{number}") for number in range(SHARE + 2)]
    await settled()
    calls.end("a0")
    await asyncio.sleep(0)  # a0 ends and a4 is given its connection, which it has not noticed yet
    tasks[4].cancel()
    await settled()
    assert calls.served == ["a0", "a1", "a2", "a3", "a5"]
    assert calls.shares.held_by(A) == SHARE
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert calls.shares.held_by(A) == 0


async def test_tenants_that_wait_take_turns() -> None:
    calls = Calls()
    tasks = [calls.begin(A, f"a{number}") for number in range(8)]
    await settled()
    tasks += [calls.begin(B, f"b{number}") for number in range(6)]
    await settled()
    assert calls.served == ["a0", "a1", "a2", "a3", "b0", "b1"]
    for name in ("a0", "a1", "a2", "a3"):
        calls.end(name)
        await settled()
    assert calls.served[6:] == ["b2", "a4", "a5", "a6"]
    assert calls.shares.held_by(A) == calls.shares.held_by(B) == 3
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(("begin", "end", "cancel"))), max_size=60))
async def test_whatever_happens_nothing_leaks_and_no_share_is_exceeded(steps: list[tuple[int, str]]) -> None:
    calls = Calls()
    tasks: dict[str, asyncio.Task[None]] = {}
    of_tenant: dict[str, UUID] = {}
    for number, (whose, what) in enumerate(steps):
        tenant_id = UUID(int=whose + 1)
        if what == "begin":
            of_tenant[str(number)] = tenant_id
            tasks[str(number)] = calls.begin(tenant_id, str(number))
        else:
            for name in [name for name, owner in of_tenant.items() if owner == tenant_id and not tasks[name].done()][
                :1
            ]:
                if what == "end":
                    calls.end(name)
                else:
                    tasks[name].cancel()
        await settled()
        held = [calls.shares.held_by(UUID(int=each + 1)) for each in range(4)]
        assert sum(held) <= CAPACITY
        assert max(held) <= SHARE
        waiting = [UUID(int=each + 1) for each in range(4) if calls.shares.waiting_of(UUID(int=each + 1))]
        assert not any(calls.shares.held_by(each) < CAPACITY - sum(held) for each in waiting)
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    assert not any(calls.shares.held_by(UUID(int=each + 1)) for each in range(4))
    assert not any(calls.shares.waiting_of(UUID(int=each + 1)) for each in range(4))


def test_with_a_multiple_of_one_a_tenant_leaves_as_much_free_as_it_takes() -> None:
    pool = FairPool(CAPACITY, 1)
    taken = []
    for tenant_id in (A, B, C):
        while pool.admits(tenant_id):
            pool.acquire(tenant_id)
        taken.append(pool.held_by(tenant_id))
    assert taken == [4, 2, 1]
