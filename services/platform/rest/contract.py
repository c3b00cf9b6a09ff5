"""The REST routes of the whole contract, so that every process can inspect every request."""

from functools import cache

from sentinel.auth.v1 import auth_service_pb2
from sentinel.monitor.v1 import monitor_service_pb2
from sentinel.probe.v1 import probe_service_pb2

from services.platform.rest.routes import Routes

SERVICES = (
    auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"],
    monitor_service_pb2.DESCRIPTOR.services_by_name["MonitorService"],
    probe_service_pb2.DESCRIPTOR.services_by_name["ProbeService"],
)


@cache
def contract_routes() -> Routes:
    """Return the REST routes of all services."""
    return Routes(SERVICES)
