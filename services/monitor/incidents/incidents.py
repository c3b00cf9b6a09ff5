"""Use cases of incidents: list, get, acknowledge, annotate, resolve by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from services.checks.incident import IncidentEventKind
from services.monitor.incidents.incident import Incident, IncidentAction, IncidentEvent, IncidentState
from services.monitor.not_found import incident_not_found, service_not_found
from services.platform.clock import now_us
from services.platform.paging import Page, Pager
from services.platform.security.audit import Actor

if TYPE_CHECKING:
    from services.monitor.store.incidents import IncidentSql


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """A filter of incidents; None matches all.

    Attributes:
        state: only those in this state.
        service_id: only this service's.
        start_us: only those that were open at this time or began later.
        end_us: only those that began before this time.
    """

    state: IncidentState | None = None
    service_id: UUID | None = None
    start_us: int | None = None
    end_us: int | None = None


class Incidents:
    """Use cases of incidents.

    Args:
        store: incidents in PostgreSQL.
        pager: reads and writes page tokens.
    """

    def __init__(self, store: "IncidentSql", pager: Pager) -> None:
        self._store = store
        self._pager = pager

    async def list(self, tenant_id: UUID, wanted: IncidentFilter, page_size: int, page_token: str) -> Page[Incident]:
        """Return a page of incidents, newest first.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        scope = f"incidents of {wanted}"
        request = self._pager.request(tenant_id, scope, page_size, page_token)
        found = await self._store.list_incidents(tenant_id, wanted, request)
        if found is None:
            raise service_not_found()
        return self._pager.page(tenant_id, scope, request, *found, lambda incident: incident.id)

    async def get(self, tenant_id: UUID, incident_id: UUID) -> tuple[Incident, Sequence[IncidentEvent]]:
        """Return an incident with its timeline.

        Raises:
            NotFound: INCIDENT_NOT_FOUND.
        """
        found = await self._store.find_incident(tenant_id, incident_id)
        if found is None:
            raise incident_not_found()
        return found

    async def acknowledge(self, actor: Actor, incident_id: UUID, note: str) -> Incident:
        """Acknowledge an incident; do nothing if it is acknowledged.

        Raises:
            NotFound: INCIDENT_NOT_FOUND.
            FailedPrecondition: INCIDENT_RESOLVED.
        """
        return await self._take(actor, incident_id, IncidentEventKind.ACKNOWLEDGED, note)

    async def note(self, actor: Actor, incident_id: UUID, note: str) -> Incident:
        """Add a note to an incident's timeline.

        Raises:
            NotFound: INCIDENT_NOT_FOUND.
        """
        return await self._take(actor, incident_id, IncidentEventKind.NOTE, note)

    async def resolve(self, actor: Actor, incident_id: UUID, note: str) -> Incident:
        """Resolve an incident by hand; do nothing if it has ended.

        Raises:
            NotFound: INCIDENT_NOT_FOUND.
        """
        return await self._take(actor, incident_id, IncidentEventKind.RESOLVED, note)

    async def _take(self, actor: Actor, incident_id: UUID, kind: IncidentEventKind, note: str) -> Incident:
        return await self._store.apply_action(actor, incident_id, IncidentAction(kind, note, now_us()))
