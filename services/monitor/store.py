"""All SQL of monitor. The tenant is the first argument everywhere, and is set for the policies too."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy import ARRAY, Row, Select, Uuid, cast, column, func, insert, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import check_changes
from services.common.audit import Actor, Change
from services.common.clock import from_datetime, to_datetime
from services.common.database import Database, constraint_of
from services.common.errors import AlreadyExists
from services.common.grid import shard_of
from services.common.outcome import Outcome
from services.common.paging import PageRequest
from services.common.result import Result, from_row
from services.common.spec import HTTP, HttpSpec
from services.common.state import CheckState, Track
from services.common.store import write_audit
from services.common.tables import check_periods, check_states, checks, results, services, tenant_suspensions
from services.monitor.configuration import service_not_found
from services.monitor.model import Check, Service, TrackedCheck
from services.monitor.uptime import Slot

_SLOTS_A_ROUND = 5_000


class MonitorStore:
    """Services, checks and results in PostgreSQL.

    Args:
        database: under the role sentinel_monitor.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create_service(
        self, actor: Actor, service: Service, first_check: Check | None, request_id: UUID | None
    ) -> Service:
        """Record a service, and its first check with it; a request id seen before answers the one it made.

        Raises:
            AlreadyExists: SERVICE_NAME_TAKEN.
        """
        tenant_id = actor.tenant_id
        try:
            async with self._database.tenant(tenant_id) as connection:
                await connection.execute(
                    insert(services).values(
                        tenant_id=tenant_id,
                        id=service.id,
                        name=service.name,
                        url=service.url,
                        description=service.description,
                        labels=service.labels,
                        request_id=request_id,
                        create_time=to_datetime(service.create_us),
                        update_time=to_datetime(service.update_us),
                    )
                )
                await write_audit(connection, actor, Change("service.create", service.id, after=service.audited()))
                if first_check is not None:
                    await _insert_check(connection, actor, first_check, None)
        except IntegrityError as error:
            made = await self._service_of_request(tenant_id, request_id)
            if made is not None:
                return made
            if constraint_of(error) != "services_name":
                raise
            message = "the tenant has another service of this name"
            raise AlreadyExists(reasons.ERROR_REASON_SERVICE_NAME_TAKEN, message) from error
        return service

    async def create_check(self, actor: Actor, check: Check, request_id: UUID | None) -> TrackedCheck:
        """Record a check and tell the workers; a request id seen before answers the one it made.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            AlreadyExists: CHECK_NAME_TAKEN.
        """
        tenant_id = actor.tenant_id
        try:
            async with self._database.tenant(tenant_id) as connection:
                await _insert_check(connection, actor, check, request_id)
        except IntegrityError as error:
            made = await self._check_of_request(tenant_id, request_id)
            if made is not None:
                return made
            if constraint_of(error) == "checks_tenant_id_service_id_fkey":
                raise service_not_found() from error
            if constraint_of(error) != "checks_name":
                raise
            message = "the service has another check of this name"
            raise AlreadyExists(reasons.ERROR_REASON_CHECK_NAME_TAKEN, message) from error
        return TrackedCheck(check, Track())

    async def find_service(self, tenant_id: UUID, service_id: UUID) -> Service | None:
        """A service; None if the tenant has no such one."""
        query = select(services).where(services.c.tenant_id == tenant_id, services.c.id == service_id)
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(query)).one_or_none()
        return _service(row) if row else None

    async def list_services(self, tenant_id: UUID, page: PageRequest) -> tuple[Sequence[Service], int]:
        """One service more than the page holds, if there are, oldest first, and how many there are in all."""
        every = select(services).where(services.c.tenant_id == tenant_id)
        async with self._database.tenant(tenant_id) as connection:
            total = await _count(connection, every)
            if page.after is not None:
                every = every.where(services.c.id > page.after)
            rows = await connection.execute(every.order_by(services.c.id).limit(page.size + 1))
            return [_service(row) for row in rows], total

    async def tracked_checks(
        self, tenant_id: UUID, service_ids: Sequence[UUID]
    ) -> Mapping[UUID, Sequence[TrackedCheck]]:
        """All checks of some services, oldest first, by service."""
        query = _tracked(tenant_id).where(checks.c.service_id.in_(service_ids)).order_by(checks.c.id)
        found: dict[UUID, list[TrackedCheck]] = {}
        async with self._database.tenant(tenant_id) as connection:
            for row in await connection.execute(query):
                found.setdefault(row.service_id, []).append(_tracked_check(row))
        return found

    async def find_check(self, tenant_id: UUID, service_id: UUID, check_id: UUID) -> TrackedCheck | None:
        """A check; None if the tenant's service has no such one."""
        query = _tracked(tenant_id).where(checks.c.service_id == service_id, checks.c.id == check_id)
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(query)).one_or_none()
        return _tracked_check(row) if row else None

    async def list_checks(
        self, tenant_id: UUID, service_id: UUID, page: PageRequest
    ) -> tuple[Sequence[TrackedCheck], int]:
        """One check more than the page holds, if there are, oldest first, and how many the service has in all."""
        every = _tracked(tenant_id).where(checks.c.service_id == service_id)
        async with self._database.tenant(tenant_id) as connection:
            total = await _count(connection, every)
            if page.after is not None:
                every = every.where(checks.c.id > page.after)
            rows = await connection.execute(every.order_by(checks.c.id).limit(page.size + 1))
            return [_tracked_check(row) for row in rows], total

    async def last_results(self, tenant_id: UUID, check_ids: Sequence[UUID]) -> Mapping[UUID, Result]:
        """The latest result of each check that has one."""
        wanted = func.unnest(cast(list(check_ids), ARRAY(Uuid))).table_valued(column("id", Uuid)).render_derived()
        last = (
            select(results)
            .where(results.c.tenant_id == tenant_id, results.c.check_id == wanted.c.id)
            .order_by(results.c.slot_time.desc())
            .limit(1)
            .lateral()
        )
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.execute(select(last).select_from(wanted.join(last, onclause=true())))
            return {row["check_id"]: from_row(dict(row)) for row in rows.mappings()}

    async def suspensions(self, tenant_id: UUID, since_us: int, now: int) -> Sequence[tuple[int, int]]:
        """Spans [start, end) in which the tenant was suspended, of those that ended behind a point in time."""
        ended = func.coalesce(tenant_suspensions.c.end_time, to_datetime(now)).label("end_time")
        query = select(tenant_suspensions.c.start_time, ended).where(
            tenant_suspensions.c.tenant_id == tenant_id, ended > to_datetime(since_us)
        )
        async with self._database.tenant(tenant_id) as connection:
            rows = await connection.execute(query)
            return [(from_datetime(row.start_time), from_datetime(row.end_time)) for row in rows]

    async def slots(self, tenant_id: UUID, check_id: UUID, from_us: int, to_us: int) -> AsyncIterator[Sequence[Slot]]:
        """A check's results with slots in [from, to), in order; a few thousand in a round trip."""
        query = (
            select(results.c.slot_time, results.c.interval_us, results.c.outcome)
            .where(
                results.c.tenant_id == tenant_id,
                results.c.check_id == check_id,
                results.c.slot_time >= to_datetime(from_us),
                results.c.slot_time < to_datetime(to_us),
            )
            .order_by(results.c.slot_time)
            .execution_options(yield_per=_SLOTS_A_ROUND)
        )
        async with self._database.tenant(tenant_id) as connection:
            async for rows in (await connection.stream(query)).partitions():
                yield [Slot(from_datetime(row.slot_time), row.interval_us, Outcome(row.outcome)) for row in rows]

    async def _service_of_request(self, tenant_id: UUID, request_id: UUID | None) -> Service | None:
        if request_id is None:
            return None
        query = select(services).where(services.c.tenant_id == tenant_id, services.c.request_id == request_id)
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(query)).one_or_none()
        return _service(row) if row else None

    async def _check_of_request(self, tenant_id: UUID, request_id: UUID | None) -> TrackedCheck | None:
        if request_id is None:
            return None
        query = _tracked(tenant_id).where(checks.c.request_id == request_id)
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(query)).one_or_none()
        return _tracked_check(row) if row else None


async def _insert_check(connection: AsyncConnection, actor: Actor, check: Check, request_id: UUID | None) -> None:
    tenant_id, shard = actor.tenant_id, shard_of(check.id)
    await connection.execute(
        insert(checks).values(
            tenant_id=tenant_id,
            id=check.id,
            service_id=check.service_id,
            shard=shard,
            name=check.name,
            kind=HTTP,
            spec=check.http.to_json(),
            interval_us=check.interval_us,
            timeout_us=check.timeout_us,
            failure_threshold=check.failure_threshold,
            recovery_threshold=check.recovery_threshold,
            retries=check.retries,
            request_id=request_id,
            create_time=to_datetime(check.create_us),
            update_time=to_datetime(check.update_us),
        )
    )
    await connection.execute(
        insert(check_states).values(
            tenant_id=tenant_id,
            check_id=check.id,
            state=int(CheckState.UNKNOWN),
            streak=0,
            streak_outcome=0,
            accounted_time=to_datetime(check.create_us),
        )
    )
    await connection.execute(
        insert(check_periods).values(
            tenant_id=tenant_id,
            check_id=check.id,
            start_time=to_datetime(check.create_us),
            interval_us=check.interval_us,
        )
    )
    await write_audit(connection, actor, Change("check.create", check.id, after=check.audited()))
    payload = check_changes.CheckChange(shard, tenant_id, check.id).payload()
    await connection.execute(select(func.pg_notify(check_changes.CHANNEL, payload)))


async def _count(connection: AsyncConnection, query: Select[Any]) -> int:
    return (await connection.execute(select(func.count()).select_from(query.subquery()))).scalar_one()


def _tracked(tenant_id: UUID) -> Select[Any]:
    return (
        select(
            checks,
            check_states.c.state,
            check_states.c.state_time,
            check_states.c.streak,
            check_states.c.streak_outcome,
            check_states.c.streak_time,
            check_states.c.verdict_time,
        )
        .join(
            check_states,
            (check_states.c.tenant_id == checks.c.tenant_id) & (check_states.c.check_id == checks.c.id),
        )
        .where(checks.c.tenant_id == tenant_id)
    )


def _service(row: Row[Any]) -> Service:
    return Service(
        row.tenant_id,
        row.id,
        row.name,
        row.url,
        row.description,
        dict(row.labels),
        from_datetime(row.create_time),
        from_datetime(row.update_time),
    )


def _check(row: Row[Any]) -> Check:
    return Check(
        tenant_id=row.tenant_id,
        id=row.id,
        service_id=row.service_id,
        name=row.name,
        http=HttpSpec.from_json(row.spec),
        interval_us=row.interval_us,
        timeout_us=row.timeout_us,
        failure_threshold=row.failure_threshold,
        recovery_threshold=row.recovery_threshold,
        retries=row.retries,
        create_us=from_datetime(row.create_time),
        update_us=from_datetime(row.update_time),
    )


def _tracked_check(row: Row[Any]) -> TrackedCheck:
    def moment(value: Any) -> int | None:  # noqa: ANN401 — a column's value
        return from_datetime(value) if value else None

    track = Track(
        CheckState(row.state),
        moment(row.state_time),
        row.streak,
        Outcome(row.streak_outcome) if row.streak_outcome else None,
        moment(row.streak_time),
        moment(row.verdict_time),
    )
    return TrackedCheck(_check(row), track)
