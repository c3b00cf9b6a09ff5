"""SQL of secrets that are in plain text, or encrypted with an older key."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, column, func, select, table, update
from sqlalchemy.dialects.postgresql import JSONB

from services.checks.secret_columns import SecretColumn
from services.checks.specs.secrets import HIDDEN, HIDDEN_NAMES
from services.monitor.store.base import Sql
from services.platform.security.secret_box import DecryptionError


class SecretSql(Sql):
    """SQL of secrets, for each column that contains some."""

    @property
    def newest_key_id(self) -> str | None:
        """The id of the key that encrypts; None without keys."""
        return self._box.newest

    async def rows_to_seal(
        self, of: SecretColumn[Any], after: tuple[UUID, UUID], most: int
    ) -> Sequence[tuple[UUID, UUID]]:
        """Return tenant and row of secrets that the newest key has not encrypted, in order, after one of them.

        Raises:
            Unavailable: the database is unavailable.
        """
        found = func.rows_to_seal(
            of.table, of.column, self.newest_key_id, HIDDEN_NAMES, HIDDEN, *after, most
        ).table_valued(column("tenant_id"), column("row_id"))
        async with self._database.untenanted() as connection:
            return [(row.tenant_id, row.row_id) for row in await connection.execute(select(found))]

    async def reencrypt(self, of: SecretColumn[Any], tenant_id: UUID, row_ids: Collection[UUID]) -> Sequence[UUID]:
        """Encrypt the secrets of some rows with the newest key; return the rows that cannot be decrypted.

        Raises:
            Unavailable: the database is unavailable.
        """
        unread = []
        rows = table(
            of.table,
            column("tenant_id", Uuid),
            column("id", Uuid),
            column(of.column, JSONB),
            *(column(each, Text) for each in (of.kind_column,) if each is not None),
        )
        ours = rows.c.tenant_id == tenant_id
        query = select(rows).where(ours, rows.c.id.in_(row_ids)).order_by(rows.c.id).with_for_update()
        async with self._database.tenant_in_background(tenant_id) as connection:
            for row in (await connection.execute(query)).mappings().all():
                read_as = row[of.kind_column] if of.kind_column else ""
                try:
                    value = of.decrypted(read_as, row[of.column], tenant_id, row["id"], self._box)
                except (DecryptionError, KeyError, TypeError, ValueError):  # one broken row must not block the others
                    unread.append(row["id"])
                    continue
                sealed = of.to_column(value, tenant_id, row["id"], self._box)
                the_row = update(rows).where(ours, rows.c.id == row["id"])
                await connection.execute(the_row.values({of.column: sealed}))
        return unread
