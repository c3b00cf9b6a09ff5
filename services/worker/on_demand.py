"""On-demand runs of checks, saved or not: the phases as they end, the facts, then the result.

The result of a saved check is recorded as on-demand.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.check_settings import CheckSettings
from services.checks.result import Result
from services.checks.specs.spec import Spec
from services.checks.tenant_egress import TenantEgress
from services.platform.clock import now_us
from services.platform.errors import InvalidArgument, NotFound
from services.platform.rpc.stream_guard import POLL_S, EndReason, StreamGuard
from services.platform.rpc.stream_reader import KEEP_ALIVE_AFTER_S
from services.worker.cpu_queue import CpuQueue
from services.worker.judging.attempt_report import AttemptReport
from services.worker.on_demand_places import OnDemandPlaces
from services.worker.probe import Prober
from services.worker.schedule import ScheduledCheck

if TYPE_CHECKING:
    from services.worker.store.tenant import TenantStore

# A check that is not saved has no id.
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class PhaseEnded:
    """The end of a phase: dns, connect, tls, ttfb or transfer, with its duration in microseconds."""

    phase: str
    elapsed_us: int


@dataclass(frozen=True, slots=True)
class StillRunning:
    """A keep-alive."""


@dataclass(frozen=True, slots=True)
class RunAborted:
    """The run was cancelled and nothing more follows: its caller lost access, or the server stops."""

    reason: EndReason


Event = PhaseEnded | StillRunning | AttemptReport | Result | RunAborted


@dataclass(frozen=True, slots=True)
class TryDraft:
    """The settings of a check that is not saved."""

    spec: Spec
    settings: CheckSettings


class OnDemand:
    """Use cases: run a saved check, and try one that is not saved.

    Args:
        store: checks and results in PostgreSQL.
        prober: makes one run.
        cpu: refuses tenants that have spent their CPU time.
        egress: refuses blocked addresses before the run; without it the run itself does.
    """

    def __init__(
        self,
        store: "TenantStore",
        prober: Prober,
        cpu: CpuQueue | None = None,
        egress: TenantEgress | None = None,
    ) -> None:
        self._cpu = cpu or CpuQueue()
        self._egress = egress
        self._store = store
        self._prober = prober
        self._places = OnDemandPlaces()

    @property
    def running(self) -> int:
        """How many runs are in progress."""
        return self._places.taken

    async def run(
        self, tenant_id: UUID, service_id: UUID, check_id: UUID, guard: StreamGuard
    ) -> AsyncGenerator[Event, None]:
        """Run a saved check; the last event is its recorded result, or RunAborted.

        Args:
            tenant_id: the tenant of the caller.
            service_id: the check's service.
            check_id: the check.
            guard: ends the stream.

        Raises:
            NotFound: CHECK_NOT_FOUND.
            ResourceExhausted: OVERLOADED.
        """
        check = await self._store.find_check(tenant_id, service_id, check_id)
        if check is None:
            raise NotFound(reasons.ERROR_REASON_CHECK_NOT_FOUND, "Check not found.")
        async with aclosing(self._run(check, guard)) as events:
            async for event in events:
                if isinstance(event, Result):
                    await self._store.record_on_demand(check.tenant_id, event)
                yield event

    async def try_out(self, tenant_id: UUID, draft: TryDraft, guard: StreamGuard) -> AsyncGenerator[Event, None]:
        """Run a check that is not saved; the last event is its result, which is not recorded, or RunAborted.

        Args:
            tenant_id: the tenant of the caller.
            draft: the check.
            guard: ends the stream.

        Raises:
            InvalidArgument: the check is invalid, or its target is blocked (TARGET_BLOCKED).
            ResourceExhausted: OVERLOADED.
        """
        field = f"check.{draft.spec.KIND}"
        draft.spec.validate(field)
        if self._egress is not None:
            await self._egress.refuse_blocked(tenant_id, draft.spec, field)
        if not draft.spec.CONTACTS_TARGET:
            raise InvalidArgument.field(field, "heartbeat checks cannot be tried: they probe no target")
        check = ScheduledCheck(
            tenant_id=tenant_id,
            service_id=_NOBODY,
            id=_NOBODY,
            shard=0,
            spec=draft.spec,
            target=draft.spec.target,
            settings=draft.settings,
            since_us=0,
        )
        async with aclosing(self._run(check, guard)) as events:
            async for event in events:
                yield event

    async def _run(self, check: ScheduledCheck, guard: StreamGuard) -> AsyncGenerator[Event, None]:
        self._cpu.refuse_excess(check.tenant_id)
        with self._places.holding(check.tenant_id):
            async with aclosing(self._events(check, guard)) as events:
                async for event in events:
                    yield event

    async def _events(self, check: ScheduledCheck, guard: StreamGuard) -> AsyncGenerator[Event, None]:
        events: asyncio.Queue[PhaseEnded | AttemptReport | Result] = asyncio.Queue()
        start_us = now_us()
        check = replace(check, spec=check.spec.with_body_kept())

        async def probe() -> None:
            events.put_nowait(
                await self._prober.run(
                    check,
                    start_us,
                    start_us,
                    on_phase=lambda phase, elapsed_us: events.put_nowait(PhaseEnded(phase, elapsed_us)),
                    on_report=events.put_nowait,
                )
            )

        task = asyncio.create_task(probe())
        heard = time.monotonic()
        try:
            while True:
                event = await _next(events)
                reason = guard.must_end()
                if reason is not None:
                    yield RunAborted(reason)
                    return
                if event is None:
                    if time.monotonic() - heard < KEEP_ALIVE_AFTER_S:
                        continue
                    yield StillRunning()
                else:
                    yield event
                    if isinstance(event, Result):
                        return
                heard = time.monotonic()
        finally:
            task.cancel()
            # wait() instead of await: a cancellation of this task would look like one of the awaited task.
            await asyncio.wait((task,))


async def _next(
    events: "asyncio.Queue[PhaseEnded | AttemptReport | Result]",
) -> PhaseEnded | AttemptReport | Result | None:
    """Wait for an event, at most until the stream has to be checked again."""
    try:
        async with asyncio.timeout(POLL_S):
            return await events.get()
    except TimeoutError:
        return None
