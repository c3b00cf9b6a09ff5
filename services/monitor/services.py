"""Use cases of services: create, get, list, update, delete."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from services.checks.specs.http import HttpSpec
from services.checks.specs.urls import validate_url
from services.checks.tenant_egress import TenantEgress
from services.monitor.drafts import CheckDraft, ServiceDraft, changed_service, new_check
from services.monitor.figures.figures import ServiceFigures
from services.monitor.model import Service, ServiceState, StatefulService
from services.monitor.not_found import service_not_found
from services.monitor.quotas import Quotas
from services.platform.clock import now_us
from services.platform.ids import new_id
from services.platform.paging import Page, Pager
from services.platform.security.audit import Actor

if TYPE_CHECKING:
    from services.monitor.store.services import ServiceSql

_FIRST_CHECK = "default"


@dataclass(frozen=True, slots=True)
class ServiceFilter:
    """A filter of services; all conditions have to match.

    Attributes:
        states: one of these states now; any if empty.
        labels: all of these labels; a value of None matches any value.
        text: contained in name, url or description, ignoring case.
    """

    states: tuple[ServiceState, ...] = ()
    labels: tuple[tuple[str, str | None], ...] = ()
    text: str = ""

    def admits(self, service: Service) -> bool:
        """Return whether a service matches all conditions except the state."""
        text = self.text.lower()
        return all(
            key in service.labels and value in (None, service.labels[key]) for key, value in self.labels
        ) and any(text in each.lower() for each in (service.name, service.url, service.description))


@dataclass(frozen=True, slots=True)
class ServiceOrder:
    """The order of a list: by name, or else by creation; ascending or descending."""

    by_name: bool = False
    descending: bool = False

    def position_of(self, service: Service) -> bytes:
        """Return the key of a service for a page token; names and ids are unique in a tenant."""
        return service.name.encode() if self.by_name else service.id.bytes


class Services:
    """Use cases of services.

    Args:
        store: services in PostgreSQL.
        pager: reads and writes page tokens.
        quotas: how many services a tenant may have.
        figures: the uptime of services.
        egress: which addresses checks may reach.
    """

    def __init__(
        self, store: "ServiceSql", pager: Pager, quotas: Quotas, figures: ServiceFigures, egress: TenantEgress
    ) -> None:
        self._store = store
        self._egress = egress
        self._figures = figures
        self._pager = pager
        self._quotas = quotas

    async def create(self, actor: Actor, draft: ServiceDraft, request_id: UUID | None) -> StatefulService:
        """Create a service; if it has a url, create its first check too.

        Raises:
            AlreadyExists: SERVICE_NAME_TAKEN.
            FailedPrecondition: QUOTA_EXCEEDED.
            InvalidArgument: the url is invalid, or its target is blocked (TARGET_BLOCKED).
        """
        now, tenant_id = now_us(), actor.tenant_id
        service = Service(
            tenant_id=tenant_id,
            id=new_id(),
            name=draft.name,
            url=draft.url,
            description=draft.description,
            labels=draft.labels,
            create_us=now,
            update_us=now,
        )
        first = None
        if draft.url:
            validate_url(draft.url, "url")
            spec = HttpSpec(url=draft.url)
            await self._egress.refuse_blocked(tenant_id, spec, "")
            first = new_check(tenant_id, service.id, CheckDraft(name=_FIRST_CHECK, spec=spec), now)
        made = await self._store.create_service(actor, service, first, request_id, self._quotas)
        return await self.get(tenant_id, made)

    async def get(self, tenant_id: UUID, service_id: UUID) -> StatefulService:
        """Return a service.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
        """
        now = now_us()
        found = await self._store.find_service(tenant_id, service_id, now)
        if found is None:
            raise service_not_found()
        (shown,) = await self._with_figures(tenant_id, [found], now)
        return shown

    async def list(
        self, tenant_id: UUID, wanted: ServiceFilter, order: ServiceOrder, page_size: int, page_token: str
    ) -> Page[StatefulService]:
        """Return a page of the services that match a filter.

        Raises:
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        scope = f"services by {order} of {wanted}"
        request = self._pager.key_request(tenant_id, scope, page_size, page_token)
        now = now_us()
        found, total = await self._store.list_services(tenant_id, wanted, order, request, now)
        rows = await self._with_figures(tenant_id, found, now)
        return self._pager.key_page(
            tenant_id, scope, request.size, rows, total, lambda row: order.position_of(row.service)
        )

    async def update(
        self, actor: Actor, service_id: UUID, etag: str, draft_of: Callable[[Service], ServiceDraft]
    ) -> StatefulService:
        """Update a service; an etag that is not empty has to match the service's.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            Aborted: ETAG_MISMATCH.
            AlreadyExists: SERVICE_NAME_TAKEN.
            InvalidArgument: the changed service is invalid.
        """
        now = now_us()
        await self._store.change_service(
            actor, service_id, lambda service: changed_service(service, etag, draft_of, now)
        )
        return await self.get(actor.tenant_id, service_id)

    async def delete(self, actor: Actor, service_id: UUID) -> None:
        """Delete a service with its checks.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
        """
        await self._store.delete_service(actor, service_id, now_us())

    async def _with_figures(
        self, tenant_id: UUID, rows: Sequence[StatefulService], now: int
    ) -> Sequence[StatefulService]:
        figures = await self._figures.of_latest_day(tenant_id, [row.service.id for row in rows], now)
        return [replace(row, latest_day=figures[row.service.id]) for row in rows]
