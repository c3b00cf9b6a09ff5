"""What was recorded of checks: results, and when they were off."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, cast, column, func, select, true

from services.common.result import Result, from_row
from services.common.tables import results
from services.monitor.history_removal import HistoryStays
from services.monitor.store.base import Sql

_SLOTS_A_ROUND = 5_000


class HistorySql(Sql):
    """History in PostgreSQL."""

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

    async def remove_history(self, most: int, aside: Sequence[UUID] = ()) -> bool:
        """Remove at most so many rows of deleted checks, unless another process is at it; whether more is left here.

        Args:
            most: how many.
            aside: checks whose history is left alone.

        Raises:
            HistoryStays: it failed with one check; what was removed of others is.
        """
        step = func.remove_history(most, cast(list(aside), ARRAY(Uuid))).table_valued("more", "failed_check", "failure")
        async with self._database.untenanted() as connection:
            more, failed_check, failure = (await connection.execute(select(step))).one()
        if failed_check is not None:
            raise HistoryStays(failed_check, failure)
        return bool(more)
