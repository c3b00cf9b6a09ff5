"""Code that the SQL modules share: database access, conversion of rows to checks, and changes of checks."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    Text,
    and_,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.checks import check_changes
from services.checks.check_settings import settings_in_row
from services.checks.grid import shard_of
from services.checks.maintenance import LONGEST_SPAN_US
from services.checks.outcome import Outcome
from services.checks.service_changes import CHANNEL, ServiceChange
from services.checks.specs.column import masked, to_column
from services.checks.specs.spec import Spec
from services.checks.state import CheckState, Track
from services.monitor.figures.closed_hours import floor
from services.monitor.model import Check, TrackedCheck
from services.platform.clock import HOUR_US, from_datetime, to_datetime
from services.platform.postgres.common_store import write_audit
from services.platform.postgres.database import Database
from services.platform.security.audit import Actor, Change
from services.platform.security.secret_box import NO_KEYS, SecretBox
from services.shared_sql.tables import (
    check_periods,
    check_rollups,
    check_states,
    checks,
    maintenance_spans,
    removed_checks,
    services,
)


class Sql:
    """The base of the SQL classes.

    Args:
        database: transactions under the role sentinel_monitor.
        box: encrypts and decrypts secrets of checks.
    """

    def __init__(self, database: Database, box: SecretBox = NO_KEYS) -> None:
        self._database = database
        self._box = box


async def lock_quotas(connection: AsyncConnection, tenant_id: UUID) -> None:
    """Lock a tenant's quotas until the transaction ends, so that no two transactions exceed them together."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"quotas {tenant_id}", 0))))


async def count(connection: AsyncConnection, query: Select[Any]) -> int:
    """Return the number of rows of a query."""
    return (await connection.execute(select(func.count()).select_from(query.subquery()))).scalar_one()


async def has_service(connection: AsyncConnection, tenant_id: UUID, service_id: UUID) -> bool:
    """Return whether a tenant has a service."""
    query = select(services.c.id).where(services.c.tenant_id == tenant_id, services.c.id == service_id)
    return (await connection.execute(query)).one_or_none() is not None


async def insert_check(
    connection: AsyncConnection, actor: Actor, check: Check, request_id: UUID | None, box: SecretBox
) -> None:
    """Insert a new, enabled check and notify its worker.

    Raises:
        FailedPrecondition: SECRETS_KEY_MISSING.
    """
    tenant_id = actor.tenant_id
    await connection.execute(
        insert(checks).values(
            tenant_id=tenant_id,
            id=check.id,
            service_id=check.service_id,
            shard=shard_of(check.id),
            request_id=request_id,
            create_time=to_datetime(check.create_us),
            kind=check.spec.KIND,
            spec_message=to_column(check.spec, tenant_id, check.id, box),
            **settings_of(check),
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
        insert(check_rollups).values(
            tenant_id=tenant_id, check_id=check.id, rolled_time=to_datetime(floor(check.create_us, HOUR_US))
        )
    )
    await open_period(connection, check, check.create_us)
    await write_audit(connection, actor, Change("check.create", check.id, after=check.audited()))
    await notify_worker(connection, check)


async def open_period(connection: AsyncConnection, check: Check, at: int) -> None:
    """Open a period: the check is enabled from now on with its present interval."""
    await connection.execute(
        insert(check_periods).values(
            tenant_id=check.tenant_id,
            check_id=check.id,
            start_time=to_datetime(at),
            interval_us=check.settings.interval_us,
        )
    )


async def notify_watchers(connection: AsyncConnection, tenant_id: UUID, service_id: UUID | None) -> None:
    """Notify the readers of a service, or of all of a tenant's, when this transaction commits."""
    await connection.execute(select(func.pg_notify(CHANNEL, ServiceChange(tenant_id, service_id).payload())))


async def notify_worker(connection: AsyncConnection, check: Check) -> None:
    """Notify the check's worker and the readers of its service when this transaction commits."""
    payload = check_changes.CheckChange(shard_of(check.id), check.tenant_id, check.id).payload()
    await connection.execute(select(func.pg_notify(check_changes.CHANNEL, payload)))
    await notify_watchers(connection, check.tenant_id, check.service_id)


async def schedule_history_removal(
    connection: AsyncConnection, tenant_id: UUID, service_id: UUID, which: ColumnElement[bool], now: int
) -> None:
    """Queue the checks of a service for the removal of their history; notify workers and readers."""
    going = select(checks.c.tenant_id, checks.c.id).where(checks.c.tenant_id == tenant_id, which)
    await connection.execute(
        upsert(removed_checks)
        .from_select(
            ["tenant_id", "check_id", "remove_time"],
            going.add_columns(literal(to_datetime(now), TIMESTAMP(timezone=True))),
        )
        .on_conflict_do_nothing()
    )
    payload = func.concat_ws(" ", cast(checks.c.shard, Text), cast(checks.c.tenant_id, Text), cast(checks.c.id, Text))
    await connection.execute(
        select(func.pg_notify(check_changes.CHANNEL, payload)).where(checks.c.tenant_id == tenant_id, which)
    )
    await notify_watchers(connection, tenant_id, service_id)


def settings_of(check: Check) -> dict[str, Any]:
    """Return the writable columns of a check, except its spec."""
    return {
        "name": check.name,
        **asdict(check.settings),
        "update_time": to_datetime(check.update_us),
    }


def tracked(tenant_id: UUID | BindParameter[UUID]) -> Select[Any]:
    """Return the query of a tenant's checks with their tracks, pause times and maintenance times."""
    latest = (
        select(check_periods.c.end_time.label("pause_time"))
        .where(check_periods.c.tenant_id == checks.c.tenant_id, check_periods.c.check_id == checks.c.id)
        .order_by(check_periods.c.start_time.desc())
        .limit(1)
        .lateral()
    )
    states = (check_states.c.tenant_id == checks.c.tenant_id) & (check_states.c.check_id == checks.c.id)
    return (
        select(
            checks,
            check_states.c.state,
            check_states.c.state_time,
            check_states.c.streak,
            check_states.c.streak_outcome,
            check_states.c.streak_time,
            check_states.c.verdict_time,
            latest.c.pause_time,
            maintained_since(tenant_id, checks.c.service_id).label("maintenance_time"),
        )
        .join(check_states, states)
        .join(latest, true())
        .where(checks.c.tenant_id == tenant_id)
    )


def maintained_since(tenant_id: UUID | BindParameter[UUID], service_id: ColumnElement[Any]) -> ScalarSelect[Any]:
    """Return the start of a service's present maintenance, by the database's clock; NULL if it is in none."""
    spans = maintenance_spans.c
    return (
        select(func.min(spans.start_time))
        .where(_is_active(tenant_id), or_(spans.service_id.is_(None), spans.service_id == service_id))
        .scalar_subquery()
    )


def is_maintained(tenant_id: UUID | BindParameter[UUID], service_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that a service is in a maintenance window; evaluated once for any number of services."""
    its = maintenance_spans.c.service_id
    going_on = select(its).where(_is_active(tenant_id))
    return or_(going_on.where(its.is_(None)).exists(), service_id.in_(going_on.where(its.is_not(None))))


def _is_active(tenant_id: UUID | BindParameter[UUID]) -> ColumnElement[bool]:
    spans = maintenance_spans.c
    return and_(
        spans.tenant_id == tenant_id,
        spans.start_time > func.now() - timedelta(microseconds=LONGEST_SPAN_US),
        spans.start_time <= func.now(),
        spans.end_time > func.now(),
    )


def tracked_check(row: Row[Any], spec: Spec | None = None) -> TrackedCheck:
    """Return the check in a row of `tracked`; without its secrets, unless its spec is given."""
    track = Track(
        state=CheckState(row.state),
        state_us=_moment(row.state_time),
        streak=row.streak,
        streak_outcome=Outcome(row.streak_outcome) if row.streak_outcome else None,
        streak_us=_moment(row.streak_time),
        verdict_us=_moment(row.verdict_time),
    )
    return TrackedCheck(_check(row, spec or masked(row.kind, row.spec_message)), track, _moment(row.maintenance_time))


def _check(row: Row[Any], spec: Spec) -> Check:
    return Check(
        tenant_id=row.tenant_id,
        id=row.id,
        service_id=row.service_id,
        name=row.name,
        spec=spec,
        settings=settings_in_row(row._asdict()),
        create_us=from_datetime(row.create_time),
        update_us=from_datetime(row.update_time),
        pause_us=_moment(row.pause_time),
    )


def _moment(value: datetime | None) -> int | None:
    return None if value is None else from_datetime(value)
