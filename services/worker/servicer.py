"""ProbeService: Protobuf ⇄ domain, nothing else."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from uuid import UUID

from sentinel.monitor.v1 import stream_pb2
from sentinel.options.v1 import error_reason_pb2 as reasons
from sentinel.probe.v1 import probe_service_pb2 as pb
from sentinel.probe.v1 import worker_pb2
from sentinel.probe.v1.probe_service_pb2_grpc import ProbeServiceServicer

from services.common.clock import now_us, to_duration, to_timestamp
from services.common.errors import NotFound
from services.common.heartbeat_token import hash_of
from services.common.interceptors.call import Context
from services.common.principal import current_principal
from services.common.process import Process
from services.common.result import Result, to_message
from services.common.stream_guard import EndReason, StreamGuard
from services.worker.on_demand import OnDemand, PhaseEnded, StillRunning
from services.worker.position import Cursors, Position
from services.worker.reader import Recorded
from services.worker.reception import Reception
from services.worker.report import SeenWorker
from services.worker.store import TenantStore
from services.worker.stream import Beat, Streams
from services.worker.workers import Workers


class ProbeServicer(ProbeServiceServicer):
    """Answers the RPCs of the worker.

    Args:
        process: whose end ends streams.
        store: knows services and checks.
        streams: live results.
        cursors: reads and writes cursors.
        on_demand: runs checks.
        workers: lists workers.
        reception: takes signals of jobs.
    """

    def __init__(
        self,
        process: Process,
        store: TenantStore,
        streams: Streams,
        cursors: Cursors,
        on_demand: OnDemand,
        workers: Workers,
        reception: Reception,
    ) -> None:
        self._revocations = process.revocations
        self._stopping = process.stopping
        self._store = store
        self._streams = streams
        self._cursors = cursors
        self._on_demand = on_demand
        self._workers = workers
        self._reception = reception

    async def StreamResults(
        self, request: pb.StreamResultsRequest, context: Context
    ) -> AsyncIterator[pb.StreamResultsResponse]:
        """Results as they are recorded."""
        principal = current_principal()
        tenant_id = principal.tenant_id
        service_id = UUID(request.service_id) if request.service_id else None
        check_id = UUID(request.check_id) if request.check_id else None
        scope = f"results of service {service_id} and check {check_id}"
        cursor = self._cursors.read(tenant_id, scope, request.cursor) if request.cursor else None
        await self._refuse_unknown(tenant_id, service_id, check_id)

        def wanted(result: Result) -> bool:
            return (service_id is None or result.service_id == service_id) and (
                check_id is None or result.check_id == check_id
            )

        def sealed(position: Position) -> str:
            return self._cursors.write(tenant_id, scope, position)

        guard = StreamGuard(principal, self._revocations, self._stopping)
        async with aclosing(self._streams.follow(tenant_id, cursor, wanted, guard)) as events:
            async for event in events:
                if isinstance(event, Recorded):
                    told = event.told.get(scope)
                    if told is None:
                        told = event.told[scope] = _recorded(event.result, sealed(event.position))
                    yield told
                elif isinstance(event, Beat):
                    yield pb.StreamResultsResponse(heartbeat=_heartbeat(sealed(event.position)))
                else:
                    yield pb.StreamResultsResponse(end=_end(event.reason, sealed(event.position)))

    async def RunCheck(self, request: pb.RunCheckRequest, context: Context) -> AsyncIterator[pb.RunCheckResponse]:
        """A run on demand."""
        tenant_id = current_principal().tenant_id
        run = self._on_demand.run(tenant_id, UUID(request.service_id), UUID(request.check_id))
        async with aclosing(run) as events:
            async for event in events:
                if isinstance(event, PhaseEnded):
                    elapsed = to_duration(event.elapsed_us)
                    phase = pb.PhaseEvent(phase=f"PHASE_{event.phase.upper()}", elapsed=elapsed)
                    yield pb.RunCheckResponse(phase=phase)
                elif isinstance(event, StillRunning):
                    yield pb.RunCheckResponse(heartbeat=_heartbeat(""))
                else:
                    yield pb.RunCheckResponse(result=to_message(event))
        yield pb.RunCheckResponse(end=_end(EndReason.COMPLETE, ""))

    async def ReportHeartbeat(self, request: pb.ReportHeartbeatRequest, context: Context) -> pb.ReportHeartbeatResponse:
        """A job's signal, written down."""
        await self._reception.take(hash_of(request.token), _exit_code(request.result))
        return pb.ReportHeartbeatResponse()

    async def ListWorkers(self, request: pb.ListWorkersRequest, context: Context) -> pb.ListWorkersResponse:
        """A page of workers."""
        page = await self._workers.list(current_principal().tenant_id, request.page_size, request.page_token)
        return pb.ListWorkersResponse(
            workers=[_worker(each) for each in page.items],
            next_page_token=page.next_token,
            total_size=page.total,
        )

    async def _refuse_unknown(self, tenant_id: UUID, service_id: UUID | None, check_id: UUID | None) -> None:
        if service_id is not None and not await self._store.has_service(tenant_id, service_id):
            raise NotFound(reasons.ERROR_REASON_SERVICE_NOT_FOUND, "the tenant has no such service")
        if check_id is not None and not await self._store.has_check(tenant_id, check_id):
            raise NotFound(reasons.ERROR_REASON_CHECK_NOT_FOUND, "the tenant has no such check")


def _exit_code(result: str) -> int | None:
    """What the contract's result says: 0 for a success, None for a failure without a code."""
    return None if result == "fail" else int(result or 0)


def _recorded(result: Result, cursor: str) -> pb.StreamResultsResponse:
    return pb.StreamResultsResponse(result=pb.ResultEvent(result=to_message(result), cursor=cursor))


def _worker(worker: SeenWorker) -> worker_pb2.Worker:
    return worker_pb2.Worker(
        id=worker.id,
        host=worker.host,
        version=worker.version,
        start_time=to_timestamp(worker.start_us),
        renew_time=to_timestamp(worker.renew_us),
        live=worker.live,
        shards_held=worker.shards_held,
        checks_held=worker.checks_held,
        runs_in_flight=worker.runs_in_flight,
        runs_waiting=worker.runs_waiting,
        start_lag_p50=to_duration(worker.lag_p50_us),
        start_lag_p99=to_duration(worker.lag_p99_us),
        runs_per_second=worker.runs_per_second,
    )


def _heartbeat(cursor: str) -> stream_pb2.Heartbeat:
    return stream_pb2.Heartbeat(time=to_timestamp(now_us()), cursor=cursor)


def _end(reason: EndReason, cursor: str) -> stream_pb2.StreamEnd:
    return stream_pb2.StreamEnd(reason=f"STREAM_END_REASON_{reason.name}", cursor=cursor)
