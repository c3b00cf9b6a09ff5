"""Checks whose secrets are in the open, or encrypted with another key than the newest."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import column, func, select, update

from services.common.secret_box import CannotOpenError
from services.common.specs.column import opened, to_column
from services.common.specs.secrets import HIDDEN, HIDDEN_NAMES
from services.common.tables import checks
from services.monitor.store.base import Sql


class SecretSql(Sql):
    """Secrets of checks in PostgreSQL."""

    @property
    def sealing_key(self) -> str | None:
        """The id of the key that encrypts; None when there is none."""
        return self._box.newest

    async def checks_to_seal(self, after: tuple[UUID, UUID], most: int) -> Sequence[tuple[UUID, UUID]]:
        """Tenants and their checks with secrets that the newest key has not encrypted, in order behind one of them.

        Raises:
            Unavailable: the database is away.
        """
        found = func.checks_to_seal(self.sealing_key, HIDDEN_NAMES, HIDDEN, *after, most).table_valued(
            column("tenant_id"), column("check_id")
        )
        async with self._database.untenanted() as connection:
            return [(row.tenant_id, row.check_id) for row in await connection.execute(select(found))]

    async def seal_anew(self, tenant_id: UUID, check_ids: Collection[UUID]) -> Sequence[UUID]:
        """Encrypt the secrets of some checks with the newest key; answers those that cannot be read.

        Raises:
            Unavailable: the database is away.
        """
        unread = []
        which = (checks.c.tenant_id == tenant_id) & checks.c.id.in_(check_ids)
        query = select(checks.c.id, checks.c.kind, checks.c.spec).where(which).order_by(checks.c.id).with_for_update()
        async with self._database.tenant_in_background(tenant_id) as connection:
            for row in (await connection.execute(query)).all():
                try:
                    spec = opened(row.kind, row.spec, tenant_id, row.id, self._box)
                except (CannotOpenError, KeyError, TypeError, ValueError):  # one broken row must not hold up the rest
                    unread.append(row.id)
                    continue
                sealed = to_column(spec, tenant_id, row.id, self._box)
                the_check = (checks.c.tenant_id == tenant_id) & (checks.c.id == row.id)
                await connection.execute(update(checks).where(the_check).values(spec=sealed))
        return unread
