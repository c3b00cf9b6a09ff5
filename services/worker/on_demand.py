"""Runs a check now, saved or not, outside its schedule: phases as they happen, what was learned, then the result.

That of a saved check is recorded as on demand.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.common.clock import SECOND_US, now_us
from services.common.errors import InvalidArgument, NotFound, ResourceExhausted
from services.common.result import Result
from services.common.specs.spec import Spec
from services.common.stream_guard import HEARTBEAT_S
from services.worker.engine import to_result
from services.worker.judging.learned import Learned, learned
from services.worker.probe import Observation, Prober
from services.worker.schedule import ScheduledCheck

_AT_ONCE = 32
# A run may take minutes; one tenant's leave room for those of others.
_AT_ONCE_A_TENANT = 8
_RETRY_S = 1.0
# A check that is not saved has no id.
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class PhaseEnded:
    """A phase ended: dns, connect, tls, ttfb or transfer; how long it took in microseconds."""

    phase: str
    elapsed_us: int


@dataclass(frozen=True, slots=True)
class StillRunning:
    """Nothing ended for a while."""


@dataclass(frozen=True, slots=True)
class TryDraft:
    """A check that is not saved; times in microseconds."""

    spec: Spec
    interval_us: int
    timeout_us: int
    retries: int


class OnDemandStore(Protocol):
    """What a run on demand needs from the database."""

    async def find_check(self, tenant_id: UUID, service_id: UUID, check_id: UUID) -> ScheduledCheck | None:
        """A check of a service."""

    async def record_on_demand(self, tenant_id: UUID, result: Result) -> None:
        """Write the result of a run outside the schedule."""


class OnDemand:
    """Runs checks on demand.

    Args:
        store: where checks and results are.
        prober: makes one run.
        worker_id: who we are, on each result.
    """

    def __init__(self, store: OnDemandStore, prober: Prober, worker_id: str) -> None:
        self._store = store
        self._prober = prober
        self._worker_id = worker_id
        self._running: Counter[UUID] = Counter()

    async def run(
        self, tenant_id: UUID, service_id: UUID, check_id: UUID
    ) -> AsyncGenerator[PhaseEnded | StillRunning | Learned | Result, None]:
        """Run a check; the last event is its result, which has been recorded by then.

        Raises:
            NotFound: CHECK_NOT_FOUND.
            ResourceExhausted: OVERLOADED.
        """
        check = await self._store.find_check(tenant_id, service_id, check_id)
        if check is None:
            raise NotFound(reasons.ERROR_REASON_CHECK_NOT_FOUND, "the service has no such check")
        async with aclosing(self._run(check)) as events:
            async for event in events:
                if isinstance(event, Result):
                    await self._store.record_on_demand(check.tenant_id, event)
                yield event

    async def try_out(
        self, tenant_id: UUID, draft: TryDraft
    ) -> AsyncGenerator[PhaseEnded | StillRunning | Learned | Result, None]:
        """Run a check that is not saved; the last event is its result, which nobody records.

        Raises:
            InvalidArgument: what it names cannot be probed.
            ResourceExhausted: OVERLOADED.
        """
        field = f"check.{draft.spec.KIND}"
        draft.spec.refuse_bad(field)
        if not draft.spec.ASKS:
            raise InvalidArgument.field(field, "asks no target, so there is nothing to try")
        check = ScheduledCheck(
            tenant_id=tenant_id,
            service_id=_NOBODY,
            id=_NOBODY,
            shard=0,
            spec=draft.spec,
            target=draft.spec.target,
            interval_us=draft.interval_us,
            timeout_us=draft.timeout_us,
            failure_threshold=1,
            recovery_threshold=1,
            retries=draft.retries,
            since_us=0,
        )
        async with aclosing(self._run(check)) as events:
            async for event in events:
                yield event

    async def _run(self, check: ScheduledCheck) -> AsyncGenerator[PhaseEnded | StillRunning | Learned | Result, None]:
        tenant_id, running = check.tenant_id, self._running
        if running.total() >= _AT_ONCE or running[tenant_id] >= _AT_ONCE_A_TENANT:
            raise ResourceExhausted(
                reasons.ERROR_REASON_OVERLOADED, "too many checks are being run on demand; try again", _RETRY_S
            )
        running[tenant_id] += 1
        try:
            async with aclosing(self._events(check)) as events:
                async for event in events:
                    yield event
        finally:
            running[tenant_id] -= 1
            if not running[tenant_id]:
                del running[tenant_id]

    async def _events(
        self, check: ScheduledCheck
    ) -> AsyncGenerator[PhaseEnded | StillRunning | Learned | Result, None]:
        events: asyncio.Queue[PhaseEnded | Learned | Observation] = asyncio.Queue()
        start = now_us()
        spec = check.spec.showing()

        async def probe() -> None:
            events.put_nowait(
                await self._prober.run(
                    spec,
                    timeout_s=check.timeout_us / SECOND_US,
                    retries=check.retries,
                    on_phase=lambda phase, elapsed_us: events.put_nowait(PhaseEnded(phase, elapsed_us)),
                    on_facts=lambda examined: events.put_nowait(learned(spec, examined)),
                )
            )

        task = asyncio.create_task(probe())
        try:
            while True:
                try:
                    event = await asyncio.wait_for(events.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield StillRunning()
                    continue
                if isinstance(event, Observation):
                    yield to_result(check, start, start, event, self._worker_id)
                    return
                yield event
        finally:
            task.cancel()
            # Not by awaiting it: our own cancellation would look like its.
            await asyncio.wait((task,))
