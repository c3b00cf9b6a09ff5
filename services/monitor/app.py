"""The monitor process: `python -m services.monitor.app`."""

from sentinel.auth.v1 import auth_service_pb2
from sentinel.monitor.v1 import monitor_service_pb2
from sentinel.monitor.v1.monitor_service_pb2_grpc import add_MonitorServiceServicer_to_server
from sentinel.probe.v1 import probe_service_pb2

from services.checks import service_changes
from services.checks.tenant_egress import TenantEgress
from services.monitor.checks import Checks
from services.monitor.figures.figures import ServiceFigures
from services.monitor.figures.overview import Overviews
from services.monitor.figures.rollup import Retention, Rollup
from services.monitor.history_removal import HistoryRemoval
from services.monitor.incidents.incidents import Incidents
from services.monitor.maintenance.maintenance import MaintenanceWindows
from services.monitor.on_demand_removal import OnDemandRemoval
from services.monitor.quarantine import BackgroundCollector
from services.monitor.quotas import Quotas
from services.monitor.results import ResultHistory
from services.monitor.secret_reencryption import reencrypt_at_start
from services.monitor.servicer import MonitorServicer, UseCases
from services.monitor.services import Services
from services.monitor.status import Status
from services.monitor.store import MonitorStore
from services.monitor.store.rollups import RollupSql
from services.monitor.store.snapshots import SnapshotSql
from services.monitor.watching.cursors import WatchCursors
from services.monitor.watching.tenant_snapshot_cache import SnapshotCaches
from services.monitor.watching.watch import WatchStreams
from services.platform.clock import DAY_US
from services.platform.garbage import freeze_existing_objects, raise_gc_thresholds
from services.platform.paging import Pager
from services.platform.postgres.database import Database, create_pool, in_use
from services.platform.rpc.process import Process, run
from services.platform.rpc.server import background
from services.platform.rpc.stream_metrics import StreamMetrics
from services.platform.security.signed_tokens import TokenSigner

ROLE = "sentinel_monitor"
ROLLUP_ROLE = "sentinel_rollup"
# Snapshots are read one at a time.
_BOARD_CONNECTIONS = 1
_SERVICE = monitor_service_pb2.DESCRIPTOR.services_by_name["MonitorService"]
# Envoy routes reflection to this process, so it lists the services of all three processes.
_REFLECTED = [
    auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"],
    _SERVICE,
    probe_service_pb2.DESCRIPTOR.services_by_name["ProbeService"],
]


async def main(process: Process) -> None:
    """Build all parts, serve, and shut down."""
    store = MonitorStore(process.database, process.secret_box())
    token_signing_key = await process.token_signing_key()
    pager = Pager(TokenSigner(token_signing_key, "page"))
    server = await process.new_server([_SERVICE])
    server.reflect(_REFLECTED)
    settings = process.settings
    quotas = Quotas(settings.quota_services, settings.quota_checks)
    keep = Retention(settings.retention_raw_days * DAY_US, settings.retention_hourly_days * DAY_US)
    figures = ServiceFigures(store, keep)
    egress = TenantEgress(settings.egress, process.store)
    windows = MaintenanceWindows(store, pager, quotas)
    board_pool = await create_pool(settings.database_url, ROLE, _BOARD_CONNECTIONS, times_in_us=True)
    process.metrics.database.watch_pool("boards", lambda: in_use(board_pool), _BOARD_CONNECTIONS)
    boards = SnapshotCaches(SnapshotSql(board_pool))
    process.listener.subscribe({service_changes.CHANNEL: boards.on_notify}, boards.on_connect)
    watch_metrics = StreamMetrics("sentinel_watch", "services")
    process.metrics.registry.register(watch_metrics)
    watches = WatchStreams(boards, watch_metrics)
    use_cases = UseCases(
        services=Services(store, pager, quotas, figures, egress),
        checks=Checks(store, pager, quotas, egress),
        status=Status(store),
        figures=figures,
        overviews=Overviews(store),
        incidents=Incidents(store, pager),
        results=ResultHistory(store, pager),
        windows=windows,
        watches=watches,
    )
    servicer = MonitorServicer(process, use_cases, WatchCursors(TokenSigner(token_signing_key, "watch cursor")))
    add_MonitorServiceServicer_to_server(servicer, server.grpc)
    rollup_database = Database(settings.database_url, ROLLUP_ROLE, size=1)
    process.metrics.database.watch_pool("rollup", lambda: rollup_database.in_use, rollup_database.size)
    rollups = RollupSql(rollup_database)
    rollup, removal = Rollup(rollups, keep), HistoryRemoval(store)
    on_demand = OnDemandRemoval(rollups, settings.retention_on_demand_days * DAY_US)
    asides = (rollup.quarantine, removal.quarantine, on_demand.quarantine, windows.quarantine)
    process.metrics.registry.register(BackgroundCollector(*asides))
    raise_gc_thresholds()
    freeze_existing_objects()
    try:
        async with background(
            rollup.run(),
            removal.run(),
            on_demand.run(),
            windows.run(),
            boards.run(),
            watches.open.run(),
            reencrypt_at_start(store),
        ):
            await process.serve(server)
    finally:
        await board_pool.close()
        await rollup_database.close()


def start() -> None:
    """Run the process until it ends."""
    run("monitor", ROLE, main, background_roles=(ROLLUP_ROLE,))


if __name__ == "__main__":
    start()
