"""The monitor process: `python -m services.monitor.app`."""

from sentinel.auth.v1 import auth_service_pb2
from sentinel.monitor.v1 import monitor_service_pb2
from sentinel.monitor.v1.monitor_service_pb2_grpc import add_MonitorServiceServicer_to_server
from sentinel.probe.v1 import probe_service_pb2

from services.common.paging import Pager
from services.common.process import Process, run
from services.common.sealed import Sealer
from services.common.server import background
from services.monitor.checks import Checks
from services.monitor.history_removal import HistoryRemoval
from services.monitor.maintenance import MaintenanceWindows
from services.monitor.quotas import Quotas
from services.monitor.results import ResultHistory
from services.monitor.servicer import MonitorServicer
from services.monitor.services import Services
from services.monitor.status import Status
from services.monitor.store import MonitorStore

ROLE = "sentinel_monitor"
_SERVICE = monitor_service_pb2.DESCRIPTOR.services_by_name["MonitorService"]
# Envoy sends reflection here, so this process names what all three serve.
_REFLECTED = [
    auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"],
    _SERVICE,
    probe_service_pb2.DESCRIPTOR.services_by_name["ProbeService"],
]


async def main(process: Process) -> None:
    """Build everything, serve, shut down."""
    store = MonitorStore(process.database)
    pager = Pager(Sealer(await process.sealing_key(), "page"))
    server = await process.new_server([_SERVICE])
    server.reflect(_REFLECTED)
    quotas = Quotas(process.settings.quota_services, process.settings.quota_checks)
    windows = MaintenanceWindows(store, pager, quotas)
    servicer = MonitorServicer(
        Services(store, pager, quotas),
        Checks(store, pager, quotas),
        Status(store),
        ResultHistory(store, pager),
        windows,
    )
    add_MonitorServiceServicer_to_server(servicer, server.grpc)
    async with background(HistoryRemoval(store).run(), windows.run()):
        await process.serve(server)


if __name__ == "__main__":
    run("monitor", ROLE, main)
