"""SQL of maintenance windows and their spans."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.monitor.maintenance.recurrence import Span
from services.monitor.maintenance.window import Window, replan
from services.monitor.not_found import service_not_found, window_not_found
from services.monitor.quotas import Quotas
from services.monitor.store.base import Sql, count, lock_quotas, notify_watchers
from services.platform.clock import from_datetime, to_datetime
from services.platform.paging import PageRequest
from services.platform.postgres.common_store import write_audit
from services.platform.security.audit import Actor, Change
from services.shared_sql.tables import maintenance_spans, maintenance_windows, services

_WINDOWS = maintenance_windows.c
_SPANS = maintenance_spans.c


class MaintenanceSql(Sql):
    """Maintenance windows in PostgreSQL."""

    async def create_window(
        self,
        actor: Actor,
        window: Window,
        until_us: int,
        request_id: UUID | None,
        quotas: Quotas,
    ) -> Window:
        """Insert a window with its spans up to a horizon, within the quotas; a repeated request id returns its window.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            FailedPrecondition: QUOTA_EXCEEDED.
        """
        tenant_id = actor.tenant_id
        # Before any write, because an invalid rule raises here.
        spans = window.spans(window.start_us, until_us)
        every = select(maintenance_windows).where(_WINDOWS.tenant_id == tenant_id)
        async with self._database.tenant(tenant_id) as connection:
            await lock_quotas(connection, tenant_id)
            if request_id is not None:
                made = (await connection.execute(every.where(_WINDOWS.request_id == request_id))).one_or_none()
                if made is not None:
                    return _window(made)
            await _lock_service(connection, tenant_id, window.service_id)
            quotas.refuse_more_windows(await count(connection, every))
            await connection.execute(
                insert(maintenance_windows).values(
                    tenant_id=tenant_id,
                    id=window.id,
                    request_id=request_id,
                    create_time=to_datetime(window.create_us),
                    planned_time=to_datetime(until_us),
                    **_settings_of(window),
                )
            )
            await _write_spans(connection, window, spans)
            await write_audit(connection, actor, Change("maintenance_window.create", window.id, after=window.audited()))
            await notify_watchers(connection, tenant_id, window.service_id)
        return window

    async def find_window(self, tenant_id: UUID, window_id: UUID) -> Window | None:
        """Return a window; None if the tenant has no such window."""
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(_the_window(tenant_id, window_id))).one_or_none()
        return _window(row) if row else None

    async def list_windows(self, tenant_id: UUID, page: PageRequest) -> tuple[Sequence[Window], int]:
        """Return a page of windows plus one more, oldest first, and the total."""
        every = select(maintenance_windows).where(_WINDOWS.tenant_id == tenant_id)
        rows = every if page.after is None else every.where(_WINDOWS.id > page.after)
        async with self._database.tenant(tenant_id) as connection:
            total = await count(connection, every)
            found = await connection.execute(rows.order_by(_WINDOWS.id).limit(page.size + 1))
            return [_window(row) for row in found], total

    async def change_window(
        self, actor: Actor, window_id: UUID, decide: Callable[[Window], Window], now: int, horizon_us: int
    ) -> Window:
        """Apply the change that `decide` returns to a window, under a lock, and plan it again from now on.

        Time that it covered until now stays covered, because hours may be closed already.

        Args:
            actor: the user or API key that changes it.
            window_id: the window.
            decide: maps the window to the changed one.
            now: the present time in microseconds.
            horizon_us: how far ahead to plan, in microseconds.

        Raises:
            NotFound: MAINTENANCE_WINDOW_NOT_FOUND, or SERVICE_NOT_FOUND for its new service.
        """
        tenant_id = actor.tenant_id
        the_window = _the_window(tenant_id, window_id)
        async with self._database.tenant(tenant_id) as connection:
            # The service is locked first, in the same order as when it is deleted, so that no deadlock occurs.
            found = (await connection.execute(the_window)).one_or_none()
            if found is None:
                raise window_not_found()
            await _lock_service(connection, tenant_id, found.service_id)
            row = (await connection.execute(the_window.with_for_update())).one_or_none()
            if row is None:
                raise window_not_found()
            before = _window(row)
            after = decide(before)
            if after == before:
                return before
            values = _settings_of(after)
            if after.schedule != before.schedule:
                if after.service_id != before.service_id:
                    await _lock_service(connection, tenant_id, after.service_id)
                until_us = max(now, after.start_us) + horizon_us
                await _replan(connection, before, after, now, until_us)
                values["planned_time"] = to_datetime(until_us)
            await connection.execute(
                update(maintenance_windows)
                .where(_WINDOWS.tenant_id == tenant_id, _WINDOWS.id == window_id)
                .values(**values)
            )
            change = Change("maintenance_window.update", window_id, before.audited(), after.audited())
            await write_audit(connection, actor, change)
            for service_id in {before.service_id, after.service_id}:
                await notify_watchers(connection, tenant_id, service_id)
        return after

    async def delete_window(self, actor: Actor, window_id: UUID, now: int) -> None:
        """Delete a window and its future spans; a span in progress ends now, past ones stay.

        Raises:
            NotFound: MAINTENANCE_WINDOW_NOT_FOUND.
        """
        tenant_id = actor.tenant_id
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(_the_window(tenant_id, window_id).with_for_update())).one_or_none()
            if row is None:
                raise window_not_found()
            await _end_spans(connection, _window(row), now)
            await connection.execute(
                delete(maintenance_windows).where(_WINDOWS.tenant_id == tenant_id, _WINDOWS.id == window_id)
            )
            window = _window(row)
            change = Change("maintenance_window.delete", window_id, before=window.audited())
            await write_audit(connection, actor, change)
            await notify_watchers(connection, tenant_id, window.service_id)

    async def windows_to_plan(self, until_us: int) -> Sequence[tuple[UUID, UUID]]:
        """Return tenant and id of some recurring windows that are not planned up to a time."""
        due = func.maintenance_windows_to_plan(to_datetime(until_us)).table_valued("tenant_id", "window_id")
        async with self._database.untenanted() as connection:
            rows = await connection.execute(select(due.c.tenant_id, due.c.window_id))
            return [(row.tenant_id, row.window_id) for row in rows]

    async def plan_window(self, tenant_id: UUID, window_id: UUID, now: int, until_us: int) -> None:
        """Write a window's spans up to a time, under a lock; do nothing if that is done already.

        Spans that would have begun before now are omitted, because their hours may be closed.
        """
        async with self._database.tenant_in_background(tenant_id) as connection:
            row = (await connection.execute(_the_window(tenant_id, window_id).with_for_update())).one_or_none()
            if row is None or from_datetime(row.planned_time) >= until_us:
                return
            window = _window(row)
            await _write_spans(connection, window, window.spans(max(from_datetime(row.planned_time), now), until_us))
            await connection.execute(
                update(maintenance_windows)
                .where(_WINDOWS.tenant_id == tenant_id, _WINDOWS.id == window_id)
                .values(planned_time=to_datetime(until_us))
            )


def _the_window(tenant_id: UUID, window_id: UUID) -> Any:  # noqa: ANN401 — a select of all columns
    return select(maintenance_windows).where(_WINDOWS.tenant_id == tenant_id, _WINDOWS.id == window_id)


async def _lock_service(connection: AsyncConnection, tenant_id: UUID, service_id: UUID | None) -> None:
    """Lock the window's service, if it has one, against deletion.

    Raises:
        NotFound: SERVICE_NOT_FOUND.
    """
    if service_id is None:
        return
    query = select(services.c.id).where(services.c.tenant_id == tenant_id, services.c.id == service_id)
    if (await connection.execute(query.with_for_update(read=True))).one_or_none() is None:
        raise service_not_found()


async def _end_spans(connection: AsyncConnection, window: Window, now: int) -> Sequence[int]:
    """Delete a window's future spans and end those in progress; return the starts of the latter."""
    of_window, moment = (_SPANS.tenant_id == window.tenant_id) & (_SPANS.window_id == window.id), to_datetime(now)
    await connection.execute(delete(maintenance_spans).where(of_window, _SPANS.start_time >= moment))
    ended = await connection.execute(
        update(maintenance_spans)
        .where(of_window, _SPANS.end_time > moment)
        .values(end_time=moment)
        .returning(_SPANS.start_time)
    )
    return [from_datetime(start) for (start,) in ended]


async def _replan(connection: AsyncConnection, before: Window, after: Window, now: int, until_us: int) -> None:
    ended = await _end_spans(connection, before, now)
    going_on = ended if after.service_id == before.service_id else ()
    planned = replan(after, going_on, now, until_us)
    for start_us, end_us in planned.ends.items():
        await connection.execute(
            update(maintenance_spans)
            .where(
                _SPANS.tenant_id == after.tenant_id,
                _SPANS.window_id == after.id,
                _SPANS.start_time == to_datetime(start_us),
            )
            .values(end_time=to_datetime(end_us))
        )
    await _write_spans(connection, after, planned.added)


async def _write_spans(connection: AsyncConnection, window: Window, spans: Sequence[Span]) -> None:
    if spans:
        of_window = {"tenant_id": window.tenant_id, "window_id": window.id, "service_id": window.service_id}
        await connection.execute(
            upsert(maintenance_spans).on_conflict_do_nothing(),
            [
                {**of_window, "start_time": to_datetime(start_us), "end_time": to_datetime(end_us)}
                for start_us, end_us in spans
            ],
        )


def _window(row: Row[Any]) -> Window:
    return Window(
        tenant_id=row.tenant_id,
        id=row.id,
        service_id=row.service_id,
        name=row.name,
        start_us=from_datetime(row.start_time),
        duration_us=row.duration_us,
        rrule=row.rrule,
        time_zone=row.time_zone,
        create_us=from_datetime(row.create_time),
        update_us=from_datetime(row.update_time),
    )


def _settings_of(window: Window) -> dict[str, Any]:
    """Return the writable columns of a window."""
    return {
        "service_id": window.service_id,
        "name": window.name,
        "start_time": to_datetime(window.start_us),
        "duration_us": window.duration_us,
        "rrule": window.rrule,
        "time_zone": window.time_zone,
        "update_time": to_datetime(window.update_us),
    }
