"""ProbeService: Protobuf ⇄ domain, nothing else."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from sentinel.probe.v1 import probe_service_pb2 as pb
from sentinel.probe.v1.probe_service_pb2_grpc import ProbeServiceServicer

from services.checks.heartbeat_token import hash_of
from services.checks.result import Result, to_message
from services.checks.specs import assertion_codec
from services.platform.clock import from_timestamp
from services.platform.rpc.interceptors.call import Context
from services.platform.rpc.process import Process
from services.platform.rpc.rules import rules_of
from services.platform.rpc.stream_guard import EndReason, StreamGuard
from services.platform.security.principal import current_principal
from services.worker.heartbeats.signal_ingest import SignalIngest
from services.worker.judging.attempt_report import AttemptReport
from services.worker.judging.evaluation import Evaluation
from services.worker.messages import (
    end_message,
    evaluated_message,
    facts_message,
    given_answer,
    heartbeat_message,
    phase_message,
    recorded_message,
    try_draft,
    unsaved_check_result,
    worker_message,
)
from services.worker.on_demand import OnDemand, PhaseEnded, RunAborted, StillRunning
from services.worker.streams.position import Cursors, Position
from services.worker.streams.reader import RecordedResult
from services.worker.streams.stream import KeepAlive, ResultStreams
from services.worker.workers import Workers

_SERVICE = pb.DESCRIPTOR.services_by_name["ProbeService"]
_RULES = rules_of(_SERVICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """The use cases of the worker.

    Attributes:
        streams: streams live results.
        on_demand: runs checks on demand.
        evaluation: evaluates assertions.
        workers: lists workers.
        signal_ingest: receives signals of jobs.
    """

    streams: ResultStreams
    on_demand: OnDemand
    evaluation: Evaluation
    workers: Workers
    signal_ingest: SignalIngest


class ProbeServicer(ProbeServiceServicer):
    """The RPCs of ProbeService.

    Args:
        process: ends streams on revocations and shutdown.
        use_cases: the use cases of the worker.
        cursors: reads and writes cursors.
    """

    def __init__(self, process: Process, use_cases: UseCases, cursors: Cursors) -> None:
        self._revocations = process.revocations
        self._stopping = process.stopping
        self._use_cases = use_cases
        self._cursors = cursors

    async def StreamResults(
        self, request: pb.StreamResultsRequest, context: Context
    ) -> AsyncIterator[pb.StreamResultsResponse]:
        """Stream results as they are recorded."""
        principal = current_principal()
        tenant_id = principal.tenant_id
        service_id = UUID(request.service_id) if request.service_id else None
        check_id = UUID(request.check_id) if request.check_id else None
        scope = f"results of service {service_id} and check {check_id}"
        cursor = self._cursors.read(tenant_id, scope, request.cursor) if request.cursor else None
        await self._use_cases.streams.refuse_unknown(tenant_id, service_id, check_id)

        def wanted(result: Result) -> bool:
            return (service_id is None or result.service_id == service_id) and (
                check_id is None or result.check_id == check_id
            )

        def sealed(position: Position) -> str:
            return self._cursors.write(tenant_id, scope, position)

        guard = self._guard("StreamResults")
        async with aclosing(self._use_cases.streams.follow(tenant_id, cursor, wanted, guard)) as events:
            async for event in events:
                if isinstance(event, RecordedResult):
                    rendered = event.rendered.get(scope)
                    if rendered is None:
                        rendered = event.rendered[scope] = recorded_message(event.result, sealed(event.position))
                    yield rendered
                elif isinstance(event, KeepAlive):
                    yield pb.StreamResultsResponse(heartbeat=heartbeat_message(sealed(event.position)))
                else:
                    yield pb.StreamResultsResponse(end=end_message(event.reason, sealed(event.position)))

    async def RunCheck(self, request: pb.RunCheckRequest, context: Context) -> AsyncIterator[pb.RunCheckResponse]:
        """Run a check on demand, and stream its phases and its result."""
        tenant_id, guard = current_principal().tenant_id, self._guard("RunCheck")
        run = self._use_cases.on_demand.run(tenant_id, UUID(request.service_id), UUID(request.check_id), guard)
        end = EndReason.COMPLETE
        async with aclosing(run) as events:
            async for event in events:
                if isinstance(event, PhaseEnded):
                    yield pb.RunCheckResponse(phase=phase_message(event))
                elif isinstance(event, StillRunning):
                    yield pb.RunCheckResponse(heartbeat=heartbeat_message(""))
                elif isinstance(event, AttemptReport):
                    yield pb.RunCheckResponse(facts=facts_message(event))
                elif isinstance(event, RunAborted):
                    end = event.reason
                else:
                    yield pb.RunCheckResponse(result=to_message(event))
        yield pb.RunCheckResponse(end=end_message(end, ""))

    async def TryCheck(self, request: pb.TryCheckRequest, context: Context) -> AsyncIterator[pb.TryCheckResponse]:
        """Run a check that is not saved, and stream its phases and its result."""
        tenant_id, guard = current_principal().tenant_id, self._guard("TryCheck")
        run = self._use_cases.on_demand.try_out(tenant_id, try_draft(request.check), guard)
        end = EndReason.COMPLETE
        async with aclosing(run) as events:
            async for event in events:
                if isinstance(event, PhaseEnded):
                    yield pb.TryCheckResponse(phase=phase_message(event))
                elif isinstance(event, StillRunning):
                    yield pb.TryCheckResponse(heartbeat=heartbeat_message(""))
                elif isinstance(event, AttemptReport):
                    yield pb.TryCheckResponse(facts=facts_message(event))
                elif isinstance(event, RunAborted):
                    end = event.reason
                else:
                    yield pb.TryCheckResponse(result=unsaved_check_result(event))
        yield pb.TryCheckResponse(end=end_message(end, ""))

    def _guard(self, method: str) -> StreamGuard:
        """Return the guard of a stream that the caller opens with a method."""
        role = _RULES[f"/{_SERVICE.full_name}/{method}"].role
        if role is None:
            raise RuntimeError(f"{method} has no role")
        return StreamGuard(current_principal(), self._revocations, self._stopping, role)

    async def EvaluateAssertions(
        self, request: pb.EvaluateAssertionsRequest, context: Context
    ) -> pb.EvaluateAssertionsResponse:
        """Evaluate assertions on a given or a recorded response."""
        tenant_id = current_principal().tenant_id
        assertions = [assertion_codec.from_message(each) for each in request.assertions]
        if request.WhichOneof("answer") == "given":
            given = given_answer(request.given)
            return evaluated_message(await self._use_cases.evaluation.of_given(assertions, given, tenant_id))
        recorded = request.recorded
        evaluated = await self._use_cases.evaluation.of_recorded(
            assertions,
            tenant_id,
            UUID(recorded.service_id),
            UUID(recorded.check_id),
            from_timestamp(recorded.slot_time),
            on_demand=recorded.on_demand,
        )
        return evaluated_message(evaluated)

    async def ReportHeartbeat(self, request: pb.ReportHeartbeatRequest, context: Context) -> pb.ReportHeartbeatResponse:
        """Record a signal of a job."""
        await self._use_cases.signal_ingest.record(hash_of(request.token), _exit_code(request.result))
        return pb.ReportHeartbeatResponse()

    async def ListWorkers(self, request: pb.ListWorkersRequest, context: Context) -> pb.ListWorkersResponse:
        """List the workers that run checks of the tenant."""
        page = await self._use_cases.workers.list(current_principal().tenant_id, request.page_size, request.page_token)
        return pb.ListWorkersResponse(
            workers=[worker_message(each) for each in page.items],
            next_page_token=page.next_token,
            total_size=page.total,
        )


def _exit_code(result: str) -> int | None:
    """Return the exit code of a signal: 0 for a success, None for a failure without a code."""
    return None if result == "fail" else int(result or 0)
