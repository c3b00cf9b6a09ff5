"""The worker process: `python -m services.worker.app`."""

import secrets
import socket
import sys
from dataclasses import dataclass
from functools import partial

import asyncpg
from sentinel.probe.v1 import probe_service_pb2
from sentinel.probe.v1.probe_service_pb2_grpc import add_ProbeServiceServicer_to_server

from services.checks import check_changes
from services.checks.tenant_egress import TenantEgress
from services.platform.file_limit import limit
from services.platform.garbage import raise_gc_thresholds
from services.platform.metrics.process_metrics import DatabaseHealth
from services.platform.paging import Pager
from services.platform.postgres.connection_shares import ConnectionShares
from services.platform.postgres.database import REQUEST_CONNECTIONS, RESERVED_CONNECTIONS, create_pool, in_use
from services.platform.rpc.process import REQUEST_FILES, Process, run
from services.platform.rpc.server import background
from services.platform.security.signed_tokens import TokenSigner
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.wire.tls import TlsContexts
from services.worker.canary import Canary
from services.worker.clock import SharedClock
from services.worker.cpu_queue import CpuQueue
from services.worker.dispatch import Dispatcher
from services.worker.engine import Engine
from services.worker.exposition import WorkerCollector
from services.worker.heartbeats.ingest_liveness import IngestLiveness
from services.worker.heartbeats.signal_ingest import SignalIngest
from services.worker.heartbeats.signals import Signals
from services.worker.judging.evaluation import Evaluation
from services.worker.lease import SHARDS_FREE, Leases, LeaseTimes
from services.worker.metrics import Metrics
from services.worker.on_demand import OnDemand
from services.worker.probe import Prober
from services.worker.record import Recorder
from services.worker.report import Gauges, Reporter
from services.worker.roster import Roster
from services.worker.self_fault_guard import SelfFaultGuard
from services.worker.servicer import ProbeServicer, UseCases
from services.worker.store import (
    RECORDED,
    EngineStore,
    SignalIngestSql,
    SignalsSql,
    TailStore,
    TenantStore,
    enter_cluster,
)
from services.worker.streams.position import Cursors
from services.worker.streams.stream import ResultStreams
from services.worker.streams.tail import ResultTail
from services.worker.workers import Workers

ROLE = "sentinel_worker"
ENGINE_ROLE = "sentinel_engine"
TAIL_ROLE = "sentinel_tail"
_SERVICE = probe_service_pb2.DESCRIPTOR.services_by_name["ProbeService"]
_ENGINE_CONNECTIONS = 4
_MOST_RUNS = 4_000
_MOST_AT_A_TARGET = 256
MOST_FILES = _MOST_RUNS + REQUEST_FILES
# A body has at most 1 MiB.
_MOST_BODIES = 256
_SHUTDOWN_TIMEOUT_S = 2.0
# How long judging in its thread may delay the event loop by holding the interpreter; Python's default is 5 ms.
_THREAD_SWITCH_S = 0.001


async def main(process: Process) -> None:
    """Build all parts, serve and probe, and shut down."""
    egress = TenantEgress(process.settings.egress, process.store)
    canaries = [Canary(*each) for each in process.settings.canaries]
    url = process.settings.database_url
    _set_up_interpreter()
    # It is part of results, which tenants read, so it reveals nothing about the machine.
    worker_id = f"worker-{secrets.token_hex(4)}"
    pools = await _Pools.open(url)
    box = process.secret_box()
    shares = ConnectionShares(REQUEST_CONNECTIONS - RESERVED_CONNECTIONS)
    engine_store, tenant_store = EngineStore(pools.engine, box), TenantStore(pools.requests, box, shares)

    metrics = Metrics()
    resolver = Resolver(process.settings.dns_servers, metrics=metrics.wire)
    clock = SharedClock()
    cpu = CpuQueue(clock_us=clock.now_us)
    network = Network(resolver, egress.policy, TlsContexts(fast=process.settings.fast_tls))
    prober = Prober(network, worker_id=worker_id, signals=Signals(SignalsSql(pools.engine)), cpu=cpu, egress=egress)
    gauges = Gauges(
        shards_held=lambda: leases.shards,
        checks_held=lambda: dispatcher.held,
        runs_in_flight=lambda: dispatcher.running,
        runs_waiting=lambda: dispatcher.due_count,
        results_waiting=lambda: recorder.waiting,
        bytes_waiting=lambda: recorder.bytes_waiting,
    )
    times = LeaseTimes(process.settings.lease_ttl_s)
    leases = Leases(
        engine_store, worker_id, clock, Reporter(socket.gethostname(), metrics, gauges).report, metrics, times
    )
    recorder = Recorder(engine_store, SelfFaultGuard(canaries, clock), leases.epoch, clock, metrics)
    dispatcher = Dispatcher(_most_runs(), _MOST_AT_A_TARGET, _MOST_BODIES, cpu.budget)
    engine = Engine(prober, recorder, worker_id, dispatcher, leases, clock, metrics)
    roster = Roster(engine_store, engine, recorder, clock)
    tail = ResultTail(TailStore(pools.tail))
    streams = ResultStreams(tenant_store, tail, metrics.streams)
    process.listener.subscribe({SHARDS_FREE: leases.on_free}, leases.on_connect)
    process.listener.subscribe(
        {check_changes.CHANNEL: roster.on_notify, check_changes.TENANT_CHANNEL: roster.on_tenant_notify},
        roster.on_connect,
    )
    process.listener.subscribe({RECORDED: tail.on_notify}, tail.on_connect)

    token_signing_key = await process.token_signing_key()
    cursors, pager = Cursors(TokenSigner(token_signing_key, "cursor")), Pager(TokenSigner(token_signing_key, "page"))
    reception_store = SignalIngestSql(pools.requests)
    signal_ingest, receiving = SignalIngest(reception_store, metrics), IngestLiveness(reception_store)
    server = await process.new_server([_SERVICE])
    server.reflect([_SERVICE])
    use_cases = UseCases(
        streams=streams,
        on_demand=OnDemand(tenant_store, prober, cpu, egress),
        evaluation=Evaluation(tenant_store, cpu),
        workers=Workers(tenant_store, pager, times.overdue_s),
        signal_ingest=signal_ingest,
    )
    add_ProbeServiceServicer_to_server(ProbeServicer(process, use_cases, cursors), server.grpc)
    process.metrics.registry.register(WorkerCollector(metrics, gauges))
    pools.watch(process.metrics.database)
    try:
        async with background(recorder.run(), tail.run(), streams.open.run(), signal_ingest.run(), receiving.run()):
            async with background(leases.run(roster.set_shards), roster.run()):
                await process.serve(server)
            # In order: start no more runs, write the results, then release the shards (semantics.md §6).
            await engine.stop(_SHUTDOWN_TIMEOUT_S)
            await recorder.drain(_SHUTDOWN_TIMEOUT_S)
            await leases.leave()
    finally:
        cpu.close()
        await resolver.close()
        await pools.close()


@dataclass(frozen=True, slots=True)
class _Pools:
    """The connection pools, by role: of the engine for all tenants, of requests for one tenant, of the tail."""

    engine: "asyncpg.Pool[asyncpg.Record]"
    requests: "asyncpg.Pool[asyncpg.Record]"
    tail: "asyncpg.Pool[asyncpg.Record]"

    @classmethod
    async def open(cls, url: str) -> "_Pools":
        new = partial(create_pool, url, times_in_us=True, prepare=enter_cluster)
        return cls(
            engine=await new(ENGINE_ROLE, _ENGINE_CONNECTIONS),
            requests=await new(ROLE, REQUEST_CONNECTIONS),
            tail=await new(TAIL_ROLE, 1),
        )

    def watch(self, metrics: DatabaseHealth) -> None:
        """Add gauges of the connections in use to the metrics."""
        metrics.watch_pool("engine", lambda: in_use(self.engine), _ENGINE_CONNECTIONS)
        metrics.watch_pool("streams", lambda: in_use(self.requests), REQUEST_CONNECTIONS)

    async def close(self) -> None:
        for pool in (self.engine, self.requests, self.tail):
            await pool.close()


def _set_up_interpreter() -> None:
    raise_gc_thresholds()
    sys.setswitchinterval(_THREAD_SWITCH_S)


def _most_runs() -> int:
    """Return how many runs may be in progress, limited by the file descriptors."""
    return max(1, min(_MOST_RUNS, limit() - REQUEST_FILES))


def start() -> None:
    """Run the process until it ends."""
    run("worker", ROLE, main, most_files=MOST_FILES, background_roles=(ENGINE_ROLE, TAIL_ROLE))


if __name__ == "__main__":
    start()
