"""SQL that removes the history of deleted checks."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, cast, func, select

from services.monitor.history_removal import HistoryStays
from services.monitor.store.base import Sql


class HistorySql(Sql):
    """History in PostgreSQL."""

    async def remove_history(self, most: int, aside: Sequence[UUID] = ()) -> bool:
        """Remove at most so many rows of deleted checks; return whether more is left. Skip if another process does it.

        Args:
            most: the limit in rows.
            aside: checks in quarantine.

        Raises:
            HistoryStays: the removal failed for one check; other removals are committed.
        """
        step = func.remove_history(most, cast(list(aside), ARRAY(Uuid))).table_valued("more", "failed_check", "failure")
        async with self._database.untenanted() as connection:
            more, failed_check, failure = (await connection.execute(select(step))).one()
        if failed_check is not None:
            raise HistoryStays(failed_check, failure)
        return bool(more)
