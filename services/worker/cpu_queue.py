"""CPU-bound work off the event loop: one item at a time, with tenants taking turns.

A single thread, because the event loop shares the interpreter with it.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.clock import SECOND_US, now_us
from services.platform.errors import ResourceExhausted
from services.worker.cpu_budget import CPU_SHARE, CpuBudget

_MOST_CALLS_WAITING = 8
_RETRY_AFTER_S = 1.0
_T = TypeVar("_T")
_Job = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class CpuQueue:
    """A queue that runs work and charges its CPU time to the tenant.

    Args:
        budget: the budgets of tenants.
        clock_us: returns the present time in microseconds.
    """

    def __init__(self, budget: CpuBudget | None = None, clock_us: Callable[[], int] = now_us) -> None:
        self.budget = budget or CpuBudget()
        self._clock_us = clock_us
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cpu")
        self._waiting: OrderedDict[UUID, deque[_Job]] = OrderedDict()
        self._pump: asyncio.Task[None] | None = None

    def charge(self, tenant_id: UUID, cpu_us: int) -> None:
        """Charge a tenant for CPU time that was used elsewhere."""
        self.budget.charge(tenant_id, cpu_us, self._clock_us())

    def refuse_excess(self, tenant_id: UUID) -> None:
        """Refuse a call of a tenant that has spent its budget, or has too many waiting calls.

        Raises:
            ResourceExhausted: OVERLOADED.
        """
        wait_us = self.budget.wait_us(tenant_id, self._clock_us())
        if wait_us:
            raise ResourceExhausted(
                reasons.ERROR_REASON_OVERLOADED,
                f"CPU limit exceeded: this tenant used over {CPU_SHARE:g} s of CPU time per second. Try again later.",
                wait_us / SECOND_US,
                limit=CPU_SHARE,
            )
        waiting = len(self._waiting.get(tenant_id, ()))
        if waiting >= _MOST_CALLS_WAITING:
            raise ResourceExhausted(
                reasons.ERROR_REASON_OVERLOADED,
                f"Too many calls queued for CPU time: this tenant has {waiting}, limit {_MOST_CALLS_WAITING}. "
                "Send fewer at a time.",
                _RETRY_AFTER_S,
                limit=_MOST_CALLS_WAITING,
                actual=waiting,
            )

    async def run(self, tenant_id: UUID, work: Callable[[], _T]) -> _T:
        """Run work in its turn; return its result, or raise its exception."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant_id, deque()).append((work, done))
        if self._pump is None:
            self._pump = asyncio.create_task(self._run_all())
        return cast("_T", await done)

    def run_here(self, tenant_id: UUID, work: Callable[[], _T]) -> _T:
        """Run short work at once; return its result, or raise its exception."""
        result, error, cpu_us = _timed(work)
        self.charge(tenant_id, cpu_us)
        if error is not None:
            raise error
        return cast("_T", result)

    def close(self) -> None:
        """Start no further work."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run_all(self) -> None:
        try:
            while self._waiting:
                tenant_id, jobs = next(iter(self._waiting.items()))
                work, done = jobs.popleft()
                if jobs:
                    self._waiting.move_to_end(tenant_id)
                else:
                    del self._waiting[tenant_id]
                if not done.done():  # its caller may have gone
                    await self._run(tenant_id, work, done)
        finally:
            self._pump = None

    async def _run(self, tenant_id: UUID, work: Callable[[], Any], done: "asyncio.Future[Any]") -> None:
        result, error, cpu_us = await asyncio.get_running_loop().run_in_executor(self._thread, _timed, work)
        self.charge(tenant_id, cpu_us)
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)


def _timed(work: Callable[[], Any]) -> tuple[Any, Exception | None, int]:
    """Return the result or the exception of work, and its CPU time in microseconds."""
    began = time.thread_time_ns()
    result, error = None, None
    try:
        result = work()
    except Exception as raised:  # noqa: BLE001 — it is raised for the caller
        error = raised
    return result, error, (time.thread_time_ns() - began) // 1000
