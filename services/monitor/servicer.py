"""MonitorService: Protobuf ⇄ domain, nothing else."""

from uuid import UUID

from sentinel.monitor.v1 import monitor_service_pb2 as pb
from sentinel.monitor.v1.monitor_service_pb2_grpc import MonitorServiceServicer

from services.common.audit import current_actor
from services.common.interceptors.call import Context
from services.common.principal import current_principal
from services.monitor.configuration import Configuration
from services.monitor.messages import (
    check_draft,
    check_message,
    optional_id,
    service_message,
    status_message,
)
from services.monitor.status import Status


class MonitorServicer(MonitorServiceServicer):
    """Answers the RPCs of monitor.

    Args:
        configuration: services and checks.
        status: what is known of them.
    """

    def __init__(self, configuration: Configuration, status: Status) -> None:
        self._configuration = configuration
        self._status = status

    async def CreateService(self, request: pb.CreateServiceRequest, context: Context) -> pb.CreateServiceResponse:
        """A new service."""
        made = await self._configuration.create_service(
            current_actor(),
            name=request.name,
            url=request.url,
            description=request.description,
            labels=dict(request.labels),
            request_id=optional_id(request.request_id),
        )
        return pb.CreateServiceResponse(service=service_message(made))

    async def GetService(self, request: pb.GetServiceRequest, context: Context) -> pb.GetServiceResponse:
        """A service."""
        found = await self._configuration.get_service(current_principal().tenant_id, UUID(request.service_id))
        return pb.GetServiceResponse(service=service_message(found))

    async def ListServices(self, request: pb.ListServicesRequest, context: Context) -> pb.ListServicesResponse:
        """A page of services."""
        page = await self._configuration.list_services(
            current_principal().tenant_id, request.page_size, request.page_token
        )
        return pb.ListServicesResponse(
            services=[service_message(row) for row in page.items],
            next_page_token=page.next_token,
            total_size=page.total,
        )

    async def GetServiceStatus(
        self, request: pb.GetServiceStatusRequest, context: Context
    ) -> pb.GetServiceStatusResponse:
        """How a service is."""
        status = await self._status.of_service(current_principal().tenant_id, UUID(request.service_id))
        return pb.GetServiceStatusResponse(status=status_message(status))

    async def CreateCheck(self, request: pb.CreateCheckRequest, context: Context) -> pb.CreateCheckResponse:
        """A new check."""
        made = await self._configuration.create_check(
            current_actor(),
            UUID(request.service_id),
            check_draft(request.check),
            optional_id(request.request_id),
        )
        return pb.CreateCheckResponse(check=check_message(made))

    async def GetCheck(self, request: pb.GetCheckRequest, context: Context) -> pb.GetCheckResponse:
        """A check."""
        found = await self._configuration.get_check(
            current_principal().tenant_id, UUID(request.service_id), UUID(request.check_id)
        )
        return pb.GetCheckResponse(check=check_message(found))

    async def ListChecks(self, request: pb.ListChecksRequest, context: Context) -> pb.ListChecksResponse:
        """A page of a service's checks."""
        page = await self._configuration.list_checks(
            current_principal().tenant_id, UUID(request.service_id), request.page_size, request.page_token
        )
        return pb.ListChecksResponse(
            checks=[check_message(row) for row in page.items],
            next_page_token=page.next_token,
            total_size=page.total,
        )
