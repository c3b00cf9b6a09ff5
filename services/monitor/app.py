"""The monitor process: `python -m services.monitor.app`."""

from sentinel.auth.v1 import auth_service_pb2
from sentinel.monitor.v1 import monitor_service_pb2
from sentinel.monitor.v1.monitor_service_pb2_grpc import add_MonitorServiceServicer_to_server
from sentinel.probe.v1 import probe_service_pb2

from services.common.clock import DAY_US
from services.common.database import Database
from services.common.paging import Pager
from services.common.process import Process, run
from services.common.sealed import Sealer
from services.common.server import background
from services.monitor.checks import Checks
from services.monitor.figures import ServiceFigures
from services.monitor.history_removal import HistoryRemoval
from services.monitor.incidents import Incidents
from services.monitor.maintenance import MaintenanceWindows
from services.monitor.overview import Overviews
from services.monitor.quotas import Quotas
from services.monitor.results import ResultHistory
from services.monitor.rollup import Keep, Rollup
from services.monitor.sealing import seal_at_start
from services.monitor.servicer import MonitorServicer
from services.monitor.services import Services
from services.monitor.status import Status
from services.monitor.store import MonitorStore
from services.monitor.store.rollups import RollupSql

ROLE = "sentinel_monitor"
ROLLUP_ROLE = "sentinel_rollup"
_SERVICE = monitor_service_pb2.DESCRIPTOR.services_by_name["MonitorService"]
# Envoy sends reflection here, so this process names what all three serve.
_REFLECTED = [
    auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"],
    _SERVICE,
    probe_service_pb2.DESCRIPTOR.services_by_name["ProbeService"],
]


async def main(process: Process) -> None:
    """Build everything, serve, shut down."""
    store = MonitorStore(process.database, process.secret_box())
    pager = Pager(Sealer(await process.sealing_key(), "page"))
    server = await process.new_server([_SERVICE])
    server.reflect(_REFLECTED)
    settings = process.settings
    quotas = Quotas(settings.quota_services, settings.quota_checks)
    keep = Keep(settings.retention_raw_days * DAY_US, settings.retention_hourly_days * DAY_US)
    figures = ServiceFigures(store, keep.hourly_us)
    windows = MaintenanceWindows(store, pager, quotas)
    servicer = MonitorServicer(
        Services(store, pager, quotas, figures),
        Checks(store, pager, quotas),
        Status(store, figures),
        figures,
        Overviews(store),
        Incidents(store, pager),
        ResultHistory(store, pager),
        windows,
    )
    add_MonitorServiceServicer_to_server(servicer, server.grpc)
    rollup_database = Database(settings.database_url, ROLLUP_ROLE, size=1)
    process.metrics.database.watch_pool("rollup", lambda: rollup_database.in_use, rollup_database.size)
    rollup = Rollup(RollupSql(rollup_database), keep)
    try:
        async with background(HistoryRemoval(store).run(), rollup.run(), windows.run(), seal_at_start(store)):
            await process.serve(server)
    finally:
        await rollup_database.close()


if __name__ == "__main__":
    run("monitor", ROLE, main)
