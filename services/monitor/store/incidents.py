"""SQL of incidents."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    Uuid,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from services.checks.incident import IncidentEventKind, Resolution
from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import details_from_row
from services.monitor.incidents.incident import (
    Cause,
    Incident,
    IncidentAction,
    IncidentActor,
    IncidentEvent,
    IncidentState,
)
from services.monitor.incidents.incidents import IncidentFilter
from services.monitor.not_found import incident_not_found
from services.monitor.store.base import Sql, count, has_service, notify_watchers
from services.platform.clock import from_datetime, to_datetime
from services.platform.ids import new_id
from services.platform.paging import PageRequest
from services.platform.postgres.common_store import write_audit
from services.platform.security.audit import Actor, ActorKind, Change
from services.shared_sql.last_failure import last_failure
from services.shared_sql.tables import incident_events, incidents, results

_LATEST_EVENTS = 1_000
# The verbs in the audit log.
_VERBS = {
    IncidentEventKind.ACKNOWLEDGED: "acknowledge",
    IncidentEventKind.NOTE: "note",
    IncidentEventKind.RESOLVED: "resolve",
}
_END = text(
    f"""
    UPDATE incidents i
    SET end_time = greatest(i.start_time, :now), resolution = :resolution,
        (last_error_kind, last_error_message, last_status_code) = ({last_failure(":now")})
    WHERE i.tenant_id = :tenant_id AND i.check_id = ANY(:check_ids) AND i.end_time IS NULL
    RETURNING i.id
    """  # noqa: S608 — our own text
)


class IncidentSql(Sql):
    """Incidents in PostgreSQL."""

    async def list_incidents(
        self, tenant_id: UUID, wanted: IncidentFilter, page: PageRequest
    ) -> tuple[Sequence[Incident], int] | None:
        """Return a page of incidents plus one more, newest first, and the total.

        Return None if the tenant has no such service.
        """
        meets = [incidents.c.tenant_id == tenant_id, *_matches(wanted)]
        rows = _incidents().where(*meets)
        if page.after is not None:
            rows = rows.where(incidents.c.id < page.after)
        async with self._database.tenant(tenant_id) as connection:
            if wanted.service_id and not await has_service(connection, tenant_id, wanted.service_id):
                return None
            total = await count(connection, select(incidents.c.id).where(*meets))
            found = await connection.execute(rows.order_by(incidents.c.id.desc()).limit(page.size + 1))
            return [_incident(row) for row in found], total

    async def find_incident(
        self, tenant_id: UUID, incident_id: UUID
    ) -> tuple[Incident, Sequence[IncidentEvent]] | None:
        """Return an incident and its latest events, in order; None if the tenant has no such incident."""
        events = (
            select(incident_events)
            .where(incident_events.c.tenant_id == tenant_id, incident_events.c.incident_id == incident_id)
            .order_by(incident_events.c.id.desc())
            .limit(_LATEST_EVENTS)
        )
        async with self._database.tenant(tenant_id) as connection:
            found = await _find(connection, tenant_id, incident_id)
            if found is None:
                return None
            latest = [_event(row) for row in await connection.execute(events)]
        return found, latest[::-1]

    async def apply_action(self, actor: Actor, incident_id: UUID, step: IncidentAction) -> Incident:
        """Take a step under a lock; return the incident afterwards.

        Raises:
            NotFound: INCIDENT_NOT_FOUND.
            FailedPrecondition: INCIDENT_RESOLVED.
        """
        tenant_id = actor.tenant_id
        the_incident = (incidents.c.tenant_id == tenant_id) & (incidents.c.id == incident_id)
        async with self._database.tenant(tenant_id) as connection:
            await connection.execute(select(incidents.c.id).where(the_incident).with_for_update())
            before = await _existing(connection, tenant_id, incident_id)
            if not step.changes(before):
                return before
            if step.kind is IncidentEventKind.ACKNOWLEDGED:
                acknowledged = update(incidents).where(the_incident).values(acknowledge_time=to_datetime(step.at))
                await connection.execute(acknowledged)
            if step.kind is IncidentEventKind.RESOLVED:
                await _end(connection, tenant_id, [before.check_id], Resolution.BY_HAND, step.at)
                await notify_watchers(connection, tenant_id, before.service_id)
            await _write_event(connection, actor, incident_id, step)
            verb = _VERBS[step.kind]
            change = Change(f"incident.{verb}", incident_id, after={"note": step.note} if step.note else None)
            await write_audit(connection, actor, change)
            return await _existing(connection, tenant_id, incident_id)


async def newest_open(connection: AsyncConnection, tenant_id: UUID, most: int) -> tuple[int, Sequence[Incident]]:
    """Return the number of a tenant's open incidents, and the newest of them."""
    how_many = (await connection.execute(_COUNT_OPEN, {"tenant": tenant_id})).scalar_one()
    rows = await connection.execute(_NEWEST_OPEN, {"tenant": tenant_id, "most": most})
    return how_many, [_incident(row) for row in rows]


async def end_incidents(
    connection: AsyncConnection, actor: Actor, check_ids: Sequence[UUID], resolution: Resolution, now: int
) -> None:
    """End the open incidents of checks; the caller holds the lock of their states, so no other one opens."""
    for incident_id in await _end(connection, actor.tenant_id, check_ids, resolution, now):
        await _write_event(connection, actor, incident_id, IncidentAction(IncidentEventKind.RESOLVED, "", now))


async def _end(
    connection: AsyncConnection, tenant_id: UUID, check_ids: Sequence[UUID], resolution: Resolution, now: int
) -> Sequence[UUID]:
    values = {
        "tenant_id": tenant_id,
        "check_ids": list(check_ids),
        "now": to_datetime(now),
        "resolution": int(resolution),
    }
    return [row.id for row in await connection.execute(_END, values)]


async def _write_event(connection: AsyncConnection, actor: Actor, incident_id: UUID, step: IncidentAction) -> None:
    await connection.execute(
        insert(incident_events).values(
            tenant_id=actor.tenant_id,
            incident_id=incident_id,
            id=new_id(),
            create_time=to_datetime(step.at),
            kind=int(step.kind),
            actor_kind=int(actor.kind),
            actor_id=actor.id,
            actor_name=func.coalesce(func.name_of_actor(actor.id), ""),
            note=step.note,
        )
    )


async def _find(connection: AsyncConnection, tenant_id: UUID, incident_id: UUID) -> Incident | None:
    query = _incidents().where(incidents.c.tenant_id == tenant_id, incidents.c.id == incident_id)
    row = (await connection.execute(query)).one_or_none()
    return _incident(row) if row else None


async def _existing(connection: AsyncConnection, tenant_id: UUID, incident_id: UUID) -> Incident:
    incident = await _find(connection, tenant_id, incident_id)
    if incident is None:
        raise incident_not_found()
    return incident


def _incidents() -> Select[Any]:
    """Return the query of incidents; open ones include their last failure so far, ended ones have it stored."""
    last = (
        select(results.c.error_kind, results.c.error_message, results.c.status_code)
        .where(
            incidents.c.end_time.is_(None),
            results.c.tenant_id == incidents.c.tenant_id,
            results.c.check_id == incidents.c.check_id,
            results.c.slot_time >= incidents.c.start_time,
            results.c.outcome == int(Outcome.DOWN),
        )
        .order_by(results.c.slot_time.desc())
        .limit(1)
        .lateral("last")
    )
    return select(
        incidents,
        func.coalesce(incidents.c.last_error_kind, last.c.error_kind).label("latest_error_kind"),
        func.coalesce(incidents.c.last_error_message, last.c.error_message).label("latest_error_message"),
        func.coalesce(incidents.c.last_status_code, last.c.status_code).label("latest_status_code"),
    ).select_from(incidents.outerjoin(last, true()))


_OPEN = and_(incidents.c.tenant_id == bindparam("tenant", type_=Uuid), incidents.c.end_time.is_(None))
_COUNT_OPEN = select(func.count()).select_from(incidents).where(_OPEN)
_NEWEST_OPEN = (
    _incidents()
    .where(_OPEN)
    .order_by(incidents.c.start_time.desc(), incidents.c.id.desc())
    .limit(bindparam("most", type_=Integer))
)


def _matches(wanted: IncidentFilter) -> list[ColumnElement[bool]]:
    """Return the conditions of a filter."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.state is not None:
        end = incidents.c.end_time
        conditions.append(end.is_(None) if wanted.state is IncidentState.OPEN else end.is_not(None))
    if wanted.service_id is not None:
        conditions.append(incidents.c.service_id == wanted.service_id)
    if wanted.start_us is not None:
        since = to_datetime(wanted.start_us)
        conditions.append(or_(incidents.c.end_time.is_(None), incidents.c.end_time > since))
    if wanted.end_us is not None:
        conditions.append(incidents.c.start_time < to_datetime(wanted.end_us))
    return conditions


def _incident(row: Row[Any]) -> Incident:
    return Incident(
        id=row.id,
        service_id=row.service_id,
        check_id=row.check_id,
        service_name=row.service_name,
        check_name=row.check_name,
        start_us=from_datetime(row.start_time),
        detect_us=from_datetime(row.detect_time),
        end_us=from_datetime(row.end_time) if row.end_time else None,
        resolution=Resolution(row.resolution) if row.resolution else None,
        acknowledge_us=from_datetime(row.acknowledge_time) if row.acknowledge_time else None,
        first=None if row.error_message is None else details_from_row(row._mapping),  # noqa: SLF001 — SQLAlchemy's public name for it
        last_cause=_cause(row.latest_error_kind, row.latest_error_message, row.latest_status_code),
    )


def _cause(error_kind: int | None, message: str | None, status_code: int | None) -> Cause | None:
    if message is None:
        return None
    return Cause(ErrorKind(error_kind) if error_kind else None, message, status_code)


def _event(row: Row[Any]) -> IncidentEvent:
    actor = IncidentActor(ActorKind(row.actor_kind), row.actor_id, row.actor_name) if row.actor_kind else None
    return IncidentEvent(
        id=row.id,
        create_us=from_datetime(row.create_time),
        kind=IncidentEventKind(row.kind),
        actor=actor,
        note=row.note,
    )
