"""SQL that removes the history of deleted checks."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, cast, func, select

from services.monitor.history_removal import HistoryRemovalFailed
from services.monitor.store.base import Sql


class HistorySql(Sql):
    """History in PostgreSQL."""

    async def remove_history(self, most: int, quarantined: Sequence[UUID] = ()) -> bool:
        """Remove at most so many rows of deleted checks; return whether more is left. Skip if another process does it.

        Args:
            most: the limit in rows.
            quarantined: checks in quarantine.

        Raises:
            HistoryRemovalFailed: the removal failed for one check; other removals are committed.
        """
        step = func.remove_history(most, cast(list(quarantined), ARRAY(Uuid))).table_valued(
            "more", "failed_check", "failure"
        )
        async with self._database.untenanted() as connection:
            more, failed_check, failure = (await connection.execute(select(step))).one()
        if failed_check is not None:
            raise HistoryRemovalFailed(failed_check, failure)
        return bool(more)
