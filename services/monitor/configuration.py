"""What a tenant watches: making, reading and listing services and checks."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import httpx
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.common.audit import Actor
from services.common.clock import SECOND_US, now_us
from services.common.errors import InvalidArgument, NotFound
from services.common.ids import new_id
from services.common.paging import Page, Pager, PageRequest
from services.common.spec import HttpSpec
from services.common.state import known_state
from services.monitor.model import Check, Service, StatefulService, TrackedCheck
from services.monitor.service_state import service_state

DEFAULT_INTERVAL_US = 60 * SECOND_US
DEFAULT_TIMEOUT_US = 10 * SECOND_US
DEFAULT_FAILURE_THRESHOLD = 2
DEFAULT_RECOVERY_THRESHOLD = 1
_FIRST_CHECK = "default"
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class CheckDraft:
    """A check as its author gives it; None and 0 leave a figure to the default."""

    name: str
    http: HttpSpec
    interval_us: int | None = None
    timeout_us: int | None = None
    failure_threshold: int = 0
    recovery_threshold: int = 0
    retries: int = 0


class ConfigurationStore(Protocol):
    """What configuration needs from the database."""

    async def create_service(
        self, actor: Actor, service: Service, first_check: Check | None, request_id: UUID | None
    ) -> Service:
        """Record a service; with a request id that was seen before, answer the one it made."""

    async def create_check(self, actor: Actor, check: Check, request_id: UUID | None) -> TrackedCheck:
        """Record a check; with a request id that was seen before, answer the one it made."""

    async def find_service(self, tenant_id: UUID, service_id: UUID) -> Service | None:
        """A service."""

    async def list_services(self, tenant_id: UUID, page: PageRequest) -> tuple[Sequence[Service], int]:
        """One service more than the page holds, if there are, and how many there are in all."""

    async def tracked_checks(
        self, tenant_id: UUID, service_ids: Sequence[UUID]
    ) -> Mapping[UUID, Sequence[TrackedCheck]]:
        """All checks of some services, by service."""

    async def find_check(self, tenant_id: UUID, service_id: UUID, check_id: UUID) -> TrackedCheck | None:
        """A check of a service."""

    async def list_checks(
        self, tenant_id: UUID, service_id: UUID, page: PageRequest
    ) -> tuple[Sequence[TrackedCheck], int]:
        """One check more than the page holds, if there are, and how many the service has in all."""


class Configuration:
    """Makes, reads and lists services and checks.

    Args:
        store: where they are recorded.
        pager: reads and writes page tokens.
    """

    def __init__(self, store: ConfigurationStore, pager: Pager) -> None:
        self._store = store
        self._pager = pager

    async def create_service(
        self,
        actor: Actor,
        *,
        name: str,
        url: str,
        description: str,
        labels: dict[str, str],
        request_id: UUID | None,
    ) -> StatefulService:
        """Make a service; with a url also its first check.

        Raises:
            AlreadyExists: SERVICE_NAME_TAKEN.
            InvalidArgument: the url cannot be probed.
        """
        now, tenant_id = now_us(), actor.tenant_id
        service = Service(tenant_id, new_id(), name, url, description, labels, now, now)
        first = None
        if url:
            refuse_bad_url(url, "url")
            first = _complete(tenant_id, service.id, CheckDraft(_FIRST_CHECK, HttpSpec(url)), now)
        made = await self._store.create_service(actor, service, first, request_id)
        return (await self._with_state(tenant_id, [made]))[0]

    async def get_service(self, tenant_id: UUID, service_id: UUID) -> StatefulService:
        """A service.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
        """
        service = await self._store.find_service(tenant_id, service_id)
        if service is None:
            raise service_not_found()
        return (await self._with_state(tenant_id, [service]))[0]

    async def list_services(self, tenant_id: UUID, page_size: int, page_token: str) -> Page[StatefulService]:
        """A page of the tenant's services, oldest first.

        Raises:
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        scope = "services"
        request = self._pager.request(tenant_id, scope, page_size, page_token)
        rows, total = await self._store.list_services(tenant_id, request)
        page = self._pager.page(tenant_id, scope, request, rows, total, lambda service: service.id)
        return Page(await self._with_state(tenant_id, page.items), page.next_token, page.total)

    async def create_check(
        self, actor: Actor, service_id: UUID, draft: CheckDraft, request_id: UUID | None
    ) -> TrackedCheck:
        """Put a check on a service.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            AlreadyExists: CHECK_NAME_TAKEN.
            InvalidArgument: the url cannot be probed, or the authorities are no certificates.
        """
        refuse_bad_url(draft.http.url, "check.http.url")
        refuse_bad_authorities(draft.http.tls.ca_certificates, "check.http.tls.ca_certificates")
        check = _complete(actor.tenant_id, service_id, draft, now_us())
        return await self._store.create_check(actor, check, request_id)

    async def get_check(self, tenant_id: UUID, service_id: UUID, check_id: UUID) -> TrackedCheck:
        """A check of a service.

        Raises:
            NotFound: CHECK_NOT_FOUND.
        """
        found = await self._store.find_check(tenant_id, service_id, check_id)
        if found is None:
            raise NotFound(reasons.ERROR_REASON_CHECK_NOT_FOUND, "the service has no such check")
        return found

    async def list_checks(
        self, tenant_id: UUID, service_id: UUID, page_size: int, page_token: str
    ) -> Page[TrackedCheck]:
        """A page of a service's checks, oldest first.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        scope = f"checks of {service_id}"
        request = self._pager.request(tenant_id, scope, page_size, page_token)
        if await self._store.find_service(tenant_id, service_id) is None:
            raise service_not_found()
        rows, total = await self._store.list_checks(tenant_id, service_id, request)
        return self._pager.page(tenant_id, scope, request, rows, total, lambda row: row.check.id)

    async def _with_state(self, tenant_id: UUID, services: Sequence[Service]) -> list[StatefulService]:
        checks = await self._store.tracked_checks(tenant_id, [service.id for service in services])
        now = now_us()
        return [
            StatefulService(
                service,
                service_state(
                    [known_state(row.track, row.check.interval_us, now)[0] for row in checks.get(service.id, ())]
                ),
            )
            for service in services
        ]


def service_not_found() -> NotFound:
    """What an unknown service id, or another tenant's, answers."""
    return NotFound(reasons.ERROR_REASON_SERVICE_NOT_FOUND, "the tenant has no such service")


def refuse_bad_url(url: str, field: str) -> None:
    """Refuse a URL that the probe could not dial; the contract has seen to its scheme, host and characters already.

    Raises:
        InvalidArgument: naming the field.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidArgument.field(field, "is not a URL that can be requested") from error
    if parsed.scheme not in {"http", "https"}:
        raise InvalidArgument.field(field, "must begin with http:// or https://")
    if parsed.userinfo:
        raise InvalidArgument.field(field, "must not carry credentials; use headers")
    if not parsed.host or (parsed.port is not None and not 0 < parsed.port <= _HIGHEST_PORT):
        raise InvalidArgument.field(field, "must name a host, and a port from 1 to 65535 if any")


def refuse_bad_authorities(pem: str, field: str) -> None:
    """Refuse authorities that no connection could be verified against; none at all are good.

    Raises:
        InvalidArgument: naming the field.
    """
    if not pem:
        return
    if "PRIVATE KEY" in pem:
        raise InvalidArgument.field(field, "must not hold a private key")
    try:
        ssl.create_default_context(cadata=pem)  # as the worker will read it
    except (ssl.SSLError, TypeError, ValueError) as error:
        raise InvalidArgument.field(field, "must be certificates in PEM") from error


def _complete(tenant_id: UUID, service_id: UUID, draft: CheckDraft, now: int) -> Check:
    interval = draft.interval_us or DEFAULT_INTERVAL_US
    return Check(
        tenant_id=tenant_id,
        id=new_id(),
        service_id=service_id,
        name=draft.name,
        http=draft.http,
        interval_us=interval,
        # Where the default would not fit the interval, four fifths of it do.
        timeout_us=draft.timeout_us or min(DEFAULT_TIMEOUT_US, interval * 4 // 5),
        failure_threshold=draft.failure_threshold or DEFAULT_FAILURE_THRESHOLD,
        recovery_threshold=draft.recovery_threshold or DEFAULT_RECOVERY_THRESHOLD,
        retries=draft.retries,
        create_us=now,
        update_us=now,
    )
