"""The end of what was recorded of checks that are gone."""

from sqlalchemy import func, select

from services.monitor.store.base import Sql


class HistorySql(Sql):
    """History in PostgreSQL."""

    async def remove_history(self, most: int) -> bool:
        """Remove at most so many rows of deleted checks, unless another process is at it; whether more is left here."""
        async with self._database.untenanted() as connection:
            more: bool = (await connection.execute(select(func.remove_history(most)))).scalar_one()
            return more
