"""MonitorService: Protobuf ⇄ domain, nothing else."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from uuid import UUID

from sentinel.monitor.v1 import monitor_service_pb2 as pb
from sentinel.monitor.v1.monitor_service_pb2_grpc import MonitorServiceServicer

from services.checks.result import to_message
from services.monitor.checks import Checks
from services.monitor.figures.figures import ServiceFigures
from services.monitor.figures.messages import overview_message, series_message, series_wanted, status_message
from services.monitor.figures.overview import Overviews
from services.monitor.incidents.incidents import Incidents
from services.monitor.incidents.messages import event_message, incident_filter, incident_message
from services.monitor.maintenance.maintenance import MaintenanceWindows
from services.monitor.maintenance.messages import window_draft, window_message
from services.monitor.messages import (
    check_draft,
    check_message,
    result_filter,
    service_draft,
    service_filter,
    service_message,
    service_order,
)
from services.monitor.request_coalescer import SharedReads
from services.monitor.results import ResultHistory
from services.monitor.services import Services
from services.monitor.status import Status
from services.monitor.updates import Updates
from services.monitor.watching.cursors import WatchCursors
from services.monitor.watching.messages import watch_filter, watch_message
from services.monitor.watching.watch import WatchStreams
from services.platform.ids import optional_id
from services.platform.rpc.interceptors.call import Context
from services.platform.rpc.process import Process
from services.platform.rpc.stream_guard import StreamGuard
from services.platform.security.audit import current_actor
from services.platform.security.principal import current_principal


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """The use cases of monitor.

    Attributes:
        services: create, get, list, update, delete services.
        checks: the same for checks, and pause, resume, rotate tokens.
        status: the status of services.
        figures: the uptime of services.
        overviews: the overview of a tenant.
        incidents: list, get, acknowledge, annotate, resolve incidents.
        results: list results.
        windows: create, get, list, update, delete maintenance windows.
        watches: the streams of WatchServices.
    """

    services: Services
    checks: Checks
    status: Status
    figures: ServiceFigures
    overviews: Overviews
    incidents: Incidents
    results: ResultHistory
    windows: MaintenanceWindows
    watches: WatchStreams


class MonitorServicer(MonitorServiceServicer):
    """The RPCs of MonitorService.

    Args:
        process: ends streams on revocations and shutdown.
        use_cases: the use cases of monitor.
        cursors: signs and verifies the cursors of WatchServices.
    """

    def __init__(self, process: Process, use_cases: UseCases, cursors: WatchCursors) -> None:
        self._revocations = process.revocations
        self._stopping = process.stopping
        self._use_cases = use_cases
        self._cursors = cursors
        self._updates = Updates()
        self._reads = SharedReads()

    async def CreateService(self, request: pb.CreateServiceRequest, context: Context) -> pb.CreateServiceResponse:
        """Create a service."""
        made = await self._use_cases.services.create(
            current_actor(), service_draft(request), optional_id(request.request_id)
        )
        return pb.CreateServiceResponse(service=service_message(made))

    async def GetService(self, request: pb.GetServiceRequest, context: Context) -> pb.GetServiceResponse:
        """Return a service."""
        found = await self._use_cases.services.get(current_principal().tenant_id, UUID(request.service_id))
        return pb.GetServiceResponse(service=service_message(found))

    async def ListServices(self, request: pb.ListServicesRequest, context: Context) -> pb.ListServicesResponse:
        """List services."""
        tenant_id = current_principal().tenant_id

        async def read() -> pb.ListServicesResponse:
            page = await self._use_cases.services.list(
                tenant_id,
                service_filter(request),
                service_order(request.order_by),
                request.page_size,
                request.page_token,
            )
            return pb.ListServicesResponse(
                services=[service_message(row) for row in page.items],
                next_page_token=page.next_token,
                total_size=page.total,
            )

        return await self._reads.get(tenant_id, request, read)

    async def WatchServices(
        self, request: pb.WatchServicesRequest, context: Context
    ) -> AsyncIterator[pb.WatchServicesResponse]:
        """Stream the states of services, then every change."""
        principal = current_principal()
        tenant_id, wanted = principal.tenant_id, watch_filter(request)
        scope = f"services of {wanted}"
        cursor = self._cursors.read(tenant_id, scope, request.cursor) if request.cursor else None
        guard = StreamGuard(principal, self._revocations, self._stopping)
        async with aclosing(self._use_cases.watches.follow(tenant_id, cursor, wanted.admits, guard)) as events:
            async for event in events:
                yield watch_message(event, lambda digest: self._cursors.write(tenant_id, scope, digest))

    async def UpdateService(self, request: pb.UpdateServiceRequest, context: Context) -> pb.UpdateServiceResponse:
        """Update a service."""
        service_id, draft_of = UUID(request.service.id), self._updates.of_service(request)
        changed = await self._use_cases.services.update(current_actor(), service_id, request.service.etag, draft_of)
        return pb.UpdateServiceResponse(service=service_message(changed))

    async def DeleteService(self, request: pb.DeleteServiceRequest, context: Context) -> pb.DeleteServiceResponse:
        """Delete a service."""
        await self._use_cases.services.delete(current_actor(), UUID(request.service_id))
        return pb.DeleteServiceResponse()

    async def GetServiceStatus(
        self, request: pb.GetServiceStatusRequest, context: Context
    ) -> pb.GetServiceStatusResponse:
        """Return the status of a service."""
        status = await self._use_cases.status.of_service(current_principal().tenant_id, UUID(request.service_id))
        return pb.GetServiceStatusResponse(status=status_message(status))

    async def GetServiceUptime(
        self, request: pb.GetServiceUptimeRequest, context: Context
    ) -> pb.GetServiceUptimeResponse:
        """Return the uptime of a service over time."""
        tenant_id = current_principal().tenant_id

        async def read() -> pb.GetServiceUptimeResponse:
            buckets = await self._use_cases.figures.series(tenant_id, UUID(request.service_id), series_wanted(request))
            return series_message(buckets)

        return await self._reads.get(tenant_id, request, read)

    async def GetOverview(self, request: pb.GetOverviewRequest, context: Context) -> pb.GetOverviewResponse:
        """Return the overview of the tenant."""
        tenant_id = current_principal().tenant_id

        async def read() -> pb.GetOverviewResponse:
            overview = await self._use_cases.overviews.of_tenant(tenant_id)
            return pb.GetOverviewResponse(overview=overview_message(overview))

        return await self._reads.get(tenant_id, request, read)

    async def CreateCheck(self, request: pb.CreateCheckRequest, context: Context) -> pb.CreateCheckResponse:
        """Create a check."""
        made = await self._use_cases.checks.create(
            current_actor(),
            UUID(request.service_id),
            check_draft(request.check),
            optional_id(request.request_id),
        )
        return pb.CreateCheckResponse(check=check_message(made), heartbeat_token=made.heartbeat_token)

    async def GetCheck(self, request: pb.GetCheckRequest, context: Context) -> pb.GetCheckResponse:
        """Return a check."""
        found = await self._use_cases.checks.get(
            current_principal().tenant_id, UUID(request.service_id), UUID(request.check_id)
        )
        return pb.GetCheckResponse(check=check_message(found))

    async def ListChecks(self, request: pb.ListChecksRequest, context: Context) -> pb.ListChecksResponse:
        """List the checks of a service."""
        tenant_id = current_principal().tenant_id

        async def read() -> pb.ListChecksResponse:
            page = await self._use_cases.checks.list(
                tenant_id, UUID(request.service_id), request.page_size, request.page_token
            )
            return pb.ListChecksResponse(
                checks=[check_message(row) for row in page.items],
                next_page_token=page.next_token,
                total_size=page.total,
            )

        return await self._reads.get(tenant_id, request, read)

    async def UpdateCheck(self, request: pb.UpdateCheckRequest, context: Context) -> pb.UpdateCheckResponse:
        """Update a check."""
        changed = await self._use_cases.checks.update(
            current_actor(),
            UUID(request.check.service_id),
            UUID(request.check.id),
            request.check.etag,
            self._updates.of_check(request),
        )
        return pb.UpdateCheckResponse(check=check_message(changed))

    async def DeleteCheck(self, request: pb.DeleteCheckRequest, context: Context) -> pb.DeleteCheckResponse:
        """Delete a check."""
        await self._use_cases.checks.delete(current_actor(), UUID(request.service_id), UUID(request.check_id))
        return pb.DeleteCheckResponse()

    async def PauseCheck(self, request: pb.PauseCheckRequest, context: Context) -> pb.PauseCheckResponse:
        """Pause a check."""
        paused = await self._use_cases.checks.pause(current_actor(), UUID(request.service_id), UUID(request.check_id))
        return pb.PauseCheckResponse(check=check_message(paused))

    async def ResumeCheck(self, request: pb.ResumeCheckRequest, context: Context) -> pb.ResumeCheckResponse:
        """Resume a check."""
        resumed = await self._use_cases.checks.resume(current_actor(), UUID(request.service_id), UUID(request.check_id))
        return pb.ResumeCheckResponse(check=check_message(resumed))

    async def RotateHeartbeatToken(
        self, request: pb.RotateHeartbeatTokenRequest, context: Context
    ) -> pb.RotateHeartbeatTokenResponse:
        """Replace the token of a heartbeat."""
        token = await self._use_cases.checks.rotate_token(
            current_actor(), UUID(request.service_id), UUID(request.check_id)
        )
        return pb.RotateHeartbeatTokenResponse(heartbeat_token=token)

    async def ListCheckResults(
        self, request: pb.ListCheckResultsRequest, context: Context
    ) -> pb.ListCheckResultsResponse:
        """List the results of a check."""
        tenant_id = current_principal().tenant_id

        async def read() -> pb.ListCheckResultsResponse:
            page = await self._use_cases.results.list(
                tenant_id,
                UUID(request.service_id),
                UUID(request.check_id),
                result_filter(request),
                request.page_size,
                request.page_token,
            )
            return pb.ListCheckResultsResponse(
                results=[to_message(result) for result in page.items], next_page_token=page.next_token
            )

        return await self._reads.get(tenant_id, request, read)

    async def CreateMaintenanceWindow(
        self, request: pb.CreateMaintenanceWindowRequest, context: Context
    ) -> pb.CreateMaintenanceWindowResponse:
        """Create a maintenance window."""
        made = await self._use_cases.windows.create(
            current_actor(), window_draft(request.window), optional_id(request.request_id)
        )
        return pb.CreateMaintenanceWindowResponse(window=window_message(made))

    async def GetMaintenanceWindow(
        self, request: pb.GetMaintenanceWindowRequest, context: Context
    ) -> pb.GetMaintenanceWindowResponse:
        """Return a maintenance window."""
        found = await self._use_cases.windows.get(current_principal().tenant_id, UUID(request.maintenance_window_id))
        return pb.GetMaintenanceWindowResponse(window=window_message(found))

    async def ListMaintenanceWindows(
        self, request: pb.ListMaintenanceWindowsRequest, context: Context
    ) -> pb.ListMaintenanceWindowsResponse:
        """List maintenance windows."""
        tenant_id = current_principal().tenant_id

        async def read() -> pb.ListMaintenanceWindowsResponse:
            page = await self._use_cases.windows.list(tenant_id, request.page_size, request.page_token)
            return pb.ListMaintenanceWindowsResponse(
                windows=[window_message(window) for window in page.items],
                next_page_token=page.next_token,
                total_size=page.total,
            )

        return await self._reads.get(tenant_id, request, read)

    async def UpdateMaintenanceWindow(
        self, request: pb.UpdateMaintenanceWindowRequest, context: Context
    ) -> pb.UpdateMaintenanceWindowResponse:
        """Update a maintenance window."""
        window_id, draft_of = UUID(request.window.id), self._updates.of_window(request)
        changed = await self._use_cases.windows.update(current_actor(), window_id, request.window.etag, draft_of)
        return pb.UpdateMaintenanceWindowResponse(window=window_message(changed))

    async def DeleteMaintenanceWindow(
        self, request: pb.DeleteMaintenanceWindowRequest, context: Context
    ) -> pb.DeleteMaintenanceWindowResponse:
        """Delete a maintenance window."""
        await self._use_cases.windows.delete(current_actor(), UUID(request.maintenance_window_id))
        return pb.DeleteMaintenanceWindowResponse()

    async def ListIncidents(self, request: pb.ListIncidentsRequest, context: Context) -> pb.ListIncidentsResponse:
        """List incidents."""
        tenant_id = current_principal().tenant_id

        async def read() -> pb.ListIncidentsResponse:
            page = await self._use_cases.incidents.list(
                tenant_id, incident_filter(request), request.page_size, request.page_token
            )
            return pb.ListIncidentsResponse(
                incidents=[incident_message(incident) for incident in page.items],
                next_page_token=page.next_token,
                total_size=page.total,
            )

        return await self._reads.get(tenant_id, request, read)

    async def GetIncident(self, request: pb.GetIncidentRequest, context: Context) -> pb.GetIncidentResponse:
        """Return an incident with its timeline."""
        incident, events = await self._use_cases.incidents.get(current_principal().tenant_id, UUID(request.incident_id))
        return pb.GetIncidentResponse(
            incident=incident_message(incident), timeline=[event_message(event) for event in events]
        )

    async def AcknowledgeIncident(
        self, request: pb.AcknowledgeIncidentRequest, context: Context
    ) -> pb.AcknowledgeIncidentResponse:
        """Acknowledge an incident."""
        incident = await self._use_cases.incidents.acknowledge(current_actor(), UUID(request.incident_id), request.note)
        return pb.AcknowledgeIncidentResponse(incident=incident_message(incident))

    async def AddIncidentNote(self, request: pb.AddIncidentNoteRequest, context: Context) -> pb.AddIncidentNoteResponse:
        """Add a note to an incident."""
        incident = await self._use_cases.incidents.note(current_actor(), UUID(request.incident_id), request.note)
        return pb.AddIncidentNoteResponse(incident=incident_message(incident))

    async def ResolveIncident(self, request: pb.ResolveIncidentRequest, context: Context) -> pb.ResolveIncidentResponse:
        """Resolve an incident by hand."""
        incident = await self._use_cases.incidents.resolve(current_actor(), UUID(request.incident_id), request.note)
        return pb.ResolveIncidentResponse(incident=incident_message(incident))
