"""SQL of services."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Row,
    Select,
    and_,
    cast,
    delete,
    extract,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from services.checks.incident import Resolution
from services.checks.state import STALE_AFTER_INTERVALS, CheckState
from services.monitor.model import Check, Service, ServiceState, StatefulService
from services.monitor.not_found import service_not_found
from services.monitor.quotas import Quotas
from services.monitor.service_state import CheckCounts, service_state
from services.monitor.services import ServiceFilter, ServiceOrder
from services.monitor.store.base import (
    Sql,
    count,
    insert_check,
    is_maintained,
    lock_quotas,
    notify_watchers,
    schedule_history_removal,
)
from services.monitor.store.checks import refuse_more_checks
from services.monitor.store.incidents import end_incidents
from services.platform.clock import from_datetime, to_datetime
from services.platform.errors import AlreadyExists
from services.platform.paging import KeyRequest
from services.platform.postgres.common_store import write_audit
from services.platform.postgres.database import constraint_of
from services.platform.security.audit import Actor, Change
from services.shared_sql.tables import check_periods, check_states, checks, incidents, services


class ServiceSql(Sql):
    """Services in PostgreSQL."""

    async def create_service(
        self, actor: Actor, service: Service, first_check: Check | None, request_id: UUID | None, quotas: Quotas
    ) -> UUID:
        """Insert a service and its first check, within the quotas.

        Return the service's id, or that of the service which the same request id created before.

        Raises:
            AlreadyExists: SERVICE_NAME_TAKEN.
            FailedPrecondition: QUOTA_EXCEEDED.
        """
        tenant_id = actor.tenant_id
        every = select(services.c.id).where(services.c.tenant_id == tenant_id)
        try:
            async with self._database.tenant(tenant_id) as connection:
                await lock_quotas(connection, tenant_id)
                if request_id is not None:
                    made = await connection.execute(every.where(services.c.request_id == request_id))
                    if (found := made.scalar_one_or_none()) is not None:
                        return UUID(bytes=found.bytes)
                quotas.refuse_more_services(await count(connection, every))
                await connection.execute(
                    insert(services).values(
                        tenant_id=tenant_id,
                        id=service.id,
                        request_id=request_id,
                        create_time=to_datetime(service.create_us),
                        **_settings_of(service),
                    )
                )
                await write_audit(connection, actor, Change("service.create", service.id, after=service.audited()))
                await notify_watchers(connection, tenant_id, service.id)
                if first_check is not None:
                    await refuse_more_checks(connection, tenant_id, quotas)
                    await insert_check(connection, actor, first_check, None, self._box)
        except IntegrityError as error:
            _constraint_error(error)
            raise
        return service.id

    async def find_service(self, tenant_id: UUID, service_id: UUID, now: int) -> StatefulService | None:
        """Return a service with its state; None if the tenant has no such service."""
        query = _with_check_counts(tenant_id, now).where(services.c.id == service_id)
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(query)).one_or_none()
        return _stateful(row) if row else None

    async def list_services(
        self, tenant_id: UUID, wanted: ServiceFilter, order: ServiceOrder, page: KeyRequest, now: int
    ) -> tuple[Sequence[StatefulService], int]:
        """Return a page of services plus one more, and the total.

        Filter and shown state come from one statement, so they agree. With a filter by state it reads the states of all
        checks of the tenant, otherwise those of the page.
        """
        meets = _matches(wanted)
        rows = _with_check_counts(tenant_id, now, wanted.states).where(*meets)
        every = rows if wanted.states else select(services.c.id).where(services.c.tenant_id == tenant_id, *meets)
        key: Any = services.c.name if order.by_name else services.c.id
        if page.after is not None:
            behind = page.after.decode() if order.by_name else UUID(bytes=page.after)
            rows = rows.where(key < behind if order.descending else key > behind)
        rows = rows.order_by(key.desc() if order.descending else key).limit(page.size + 1)
        async with self._database.tenant(tenant_id) as connection:
            total = await count(connection, every)
            return [_stateful(row) for row in await connection.execute(rows)], total

    async def change_service(self, actor: Actor, service_id: UUID, decide: Callable[[Service], Service]) -> None:
        """Apply the change that `decide` returns to a service, under a lock.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            AlreadyExists: SERVICE_NAME_TAKEN.
        """
        the_service = (services.c.tenant_id == actor.tenant_id) & (services.c.id == service_id)
        try:
            async with self._database.tenant(actor.tenant_id) as connection:
                row = (await connection.execute(select(services).where(the_service).with_for_update())).one_or_none()
                if row is None:
                    raise service_not_found()
                before = _service(row)
                after = decide(before)
                if after != before:
                    await connection.execute(update(services).where(the_service).values(**_settings_of(after)))
                    change = Change("service.update", service_id, before.audited(), after.audited())
                    await write_audit(connection, actor, change)
                    await notify_watchers(connection, actor.tenant_id, service_id)
        except IntegrityError as error:
            _constraint_error(error)
            raise

    async def delete_service(self, actor: Actor, service_id: UUID, now: int) -> None:
        """Delete a service and its checks, end their incidents, queue their history for removal, notify their workers.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
        """
        tenant_id = actor.tenant_id
        the_service = (services.c.tenant_id == tenant_id) & (services.c.id == service_id)
        its_checks = checks.c.service_id == service_id
        its_ids = select(checks.c.id).where(checks.c.tenant_id == tenant_id, its_checks)
        async with self._database.tenant(tenant_id) as connection:
            # A transaction that adds a check to it waits here, and then does not find the service.
            row = (await connection.execute(select(services).where(the_service).with_for_update())).one_or_none()
            if row is None:
                raise service_not_found()
            # In the common order, to avoid deadlocks: a check is locked before its state, and a batch of results locks
            # states in the order of check ids.
            await connection.execute(
                select(checks.c.id)
                .where(checks.c.tenant_id == tenant_id, its_checks)
                .order_by(checks.c.id)
                .with_for_update()
            )
            locked = await connection.execute(
                select(check_states.c.check_id)
                .where(check_states.c.tenant_id == tenant_id, check_states.c.check_id.in_(its_ids))
                .order_by(check_states.c.check_id)
                .with_for_update()
            )
            await end_incidents(connection, actor, [*locked.scalars()], Resolution.CHECK_DELETED, now)
            gone = {**_service(row).audited(), "checks": await count(connection, its_ids)}
            await schedule_history_removal(connection, tenant_id, service_id, its_checks, now)
            await connection.execute(delete(services).where(the_service))
            await write_audit(connection, actor, Change("service.delete", service_id, before=gone))


def _check_counts(tenant_id: UUID | BindParameter[UUID], now: int | BindParameter[int]) -> Select[int, int, int]:
    """Return the query of the counts of a tenant's checks by state (semantics.md §12, §13)."""
    is_open = and_(
        check_periods.c.tenant_id == checks.c.tenant_id,
        check_periods.c.check_id == checks.c.id,
        check_periods.c.end_time.is_(None),
    )
    states = and_(check_states.c.tenant_id == checks.c.tenant_id, check_states.c.check_id == checks.c.id)
    # In microseconds since the epoch, as in the rule.
    seen_us = cast(extract("epoch", check_states.c.verdict_time) * 1_000_000, BigInteger)
    fresh = seen_us + STALE_AFTER_INTERVALS * checks.c.interval_us >= now
    verdicts = (int(CheckState.UP), int(CheckState.DOWN))
    return (
        select(
            func.count().label("enabled"),
            func.count().filter(fresh, check_states.c.state == int(CheckState.DOWN)).label("down"),
            func.count().filter(fresh, check_states.c.state.in_(verdicts)).label("known"),
        )
        .select_from(checks)
        .join(check_periods, is_open)
        .join(check_states, states)
        .where(checks.c.tenant_id == tenant_id)
    )


def check_counts_of_all(tenant_id: BindParameter[UUID], now: BindParameter[int]) -> Select[Any]:
    """Return the query of the distinct check counts of a tenant's services, with the number of services of each."""
    grouped = _check_counts(tenant_id, now).add_columns(checks.c.service_id).group_by(checks.c.service_id).subquery()
    counts = [func.coalesce(grouped.c[name], 0).label(name) for name in ("enabled", "down", "known")]
    each = (
        select(*counts, is_maintained(tenant_id, services.c.id).label("maintained"))
        .select_from(services.outerjoin(grouped, grouped.c.service_id == services.c.id))
        .where(services.c.tenant_id == tenant_id)
        .subquery()
    )
    return select(each, func.count().label("services")).group_by(*each.c)


def _with_check_counts(tenant_id: UUID, now: int, in_one_of: Sequence[ServiceState] = ()) -> Select[Any]:
    """Return the query of a tenant's services with check counts and open incidents; optionally by state."""
    each = _check_counts(tenant_id, now)
    if in_one_of:
        # The filter needs the state of every service, so all check counts are computed at once.
        grouped = each.add_columns(checks.c.service_id).group_by(checks.c.service_id).subquery()
        joined = services.outerjoin(grouped, grouped.c.service_id == services.c.id)
        counts = grouped.c
    else:
        # Only the check counts of the services on the page.
        beside = each.where(checks.c.service_id == services.c.id).lateral()
        joined = services.join(beside, true())
        counts = beside.c
    enabled, down, known = (func.coalesce(counts[name], 0) for name in ("enabled", "down", "known"))
    maintained = is_maintained(tenant_id, services.c.id)
    opened = (
        select(func.count())
        .where(
            incidents.c.tenant_id == services.c.tenant_id,
            incidents.c.service_id == services.c.id,
            incidents.c.end_time.is_(None),
        )
        .correlate(services)
        .scalar_subquery()
        .label("open_incidents")
    )
    query = select(
        services,
        enabled.label("enabled"),
        down.label("down"),
        known.label("known"),
        maintained.label("maintained"),
        opened,
    )
    query = query.select_from(joined).where(services.c.tenant_id == tenant_id)
    if in_one_of:
        query = query.where(or_(*(_state_condition(state, enabled, down, known, maintained) for state in in_one_of)))
    return query


def _state_condition(
    state: ServiceState,
    enabled: ColumnElement[int],
    down: ColumnElement[int],
    known: ColumnElement[int],
    maintained: ColumnElement[bool],
) -> ColumnElement[bool]:
    """Return service_state as a condition on check counts; a test verifies that both agree."""
    conditions: dict[ServiceState, ColumnElement[bool]] = {
        ServiceState.PAUSED: enabled == 0,
        ServiceState.MAINTENANCE: and_(enabled > 0, maintained),
        ServiceState.DOWN: and_(enabled > 0, down == enabled, ~maintained),
        ServiceState.DEGRADED: and_(down > 0, down < enabled, ~maintained),
        ServiceState.UNKNOWN: and_(enabled > 0, known == 0, ~maintained),
        ServiceState.UP: and_(known > 0, down == 0, ~maintained),
    }
    return conditions[state]


def _matches(wanted: ServiceFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter, except the state."""
    conditions = [
        services.c.labels.has_key(key) if value is None else services.c.labels.contains({key: value})
        for key, value in wanted.labels
    ]
    if wanted.text:
        texts = (services.c.name, services.c.url, services.c.description)
        conditions.append(or_(*(text.icontains(wanted.text, autoescape=True) for text in texts)))
    return conditions


def _settings_of(service: Service) -> dict[str, Any]:
    """Return the writable columns of a service."""
    return {
        "name": service.name,
        "url": service.url,
        "description": service.description,
        "labels": service.labels,
        "update_time": to_datetime(service.update_us),
    }


def _service(row: Row[Any]) -> Service:
    return Service(
        tenant_id=row.tenant_id,
        id=row.id,
        name=row.name,
        url=row.url,
        description=row.description,
        labels=dict(row.labels),
        create_us=from_datetime(row.create_time),
        update_us=from_datetime(row.update_time),
    )


def _stateful(row: Row[Any]) -> StatefulService:
    counts = CheckCounts(row.enabled, row.down, row.known, row.maintained)
    return StatefulService(_service(row), service_state(counts), row.open_incidents)


def _constraint_error(error: IntegrityError) -> None:
    """Translate a violated constraint into the caller's error; return if it is not one of the caller's.

    Raises:
        AlreadyExists: SERVICE_NAME_TAKEN.
    """
    if constraint_of(error) == "services_name":
        message = "A service with this name already exists."
        raise AlreadyExists(reasons.ERROR_REASON_SERVICE_NAME_TAKEN, message) from error
