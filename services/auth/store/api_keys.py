"""SQL of API keys."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy import Row, delete, insert, select
from sqlalchemy.exc import IntegrityError

from services.auth.model import ApiKey, Tenant
from services.auth.store.base import Sql, moment, page_of, revoke, tenant_of, the_tenant
from services.platform.clock import from_datetime, to_datetime
from services.platform.errors import AlreadyExists
from services.platform.paging import PageRequest
from services.platform.postgres.common_store import write_audit
from services.platform.postgres.database import constraint_of
from services.platform.postgres.tables import api_keys
from services.platform.security.audit import Actor, Change
from services.platform.security.principal import Role
from services.platform.security.revocations import Revoked


class ApiKeySql(Sql):
    """API keys in PostgreSQL."""

    async def create_api_key(self, actor: Actor, key: ApiKey, key_hash: bytes) -> None:
        """Insert a key.

        Raises:
            AlreadyExists: API_KEY_NAME_TAKEN.
        """
        try:
            async with self._database.tenant(actor.tenant_id) as connection:
                await connection.execute(
                    insert(api_keys).values(
                        tenant_id=actor.tenant_id,
                        id=key.id,
                        name=key.name,
                        role=int(key.role),
                        prefix=key.prefix,
                        key_hash=key_hash,
                        create_time=to_datetime(key.create_us),
                        expire_time=None if key.expire_us is None else to_datetime(key.expire_us),
                    )
                )
                await write_audit(connection, actor, Change("api_key.create", key.id, after=key.audited()))
        except IntegrityError as error:
            if constraint_of(error) != "api_keys_name":
                raise
            message = "An API key with this name already exists."
            raise AlreadyExists(reasons.ERROR_REASON_API_KEY_NAME_TAKEN, message) from error

    async def find_api_key(self, tenant_id: UUID, key_id: UUID) -> tuple[Tenant, ApiKey] | None:
        """Return a key and its tenant; None if the key does not exist."""
        query = select(api_keys).where(api_keys.c.tenant_id == tenant_id, api_keys.c.id == key_id)
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(query)).one_or_none()
            tenant = (await connection.execute(the_tenant(tenant_id))).one()
        return (tenant_of(tenant), _api_key(row)) if row else None

    async def list_api_keys(self, tenant_id: UUID, page: PageRequest) -> tuple[Sequence[ApiKey], int]:
        """Return a page of keys plus one more, oldest first, and the total."""
        every = select(api_keys).where(api_keys.c.tenant_id == tenant_id)
        async with self._database.tenant(tenant_id) as connection:
            rows, total = await page_of(connection, every, api_keys.c.id, page)
        return [_api_key(row) for row in rows], total

    async def delete_api_key(self, actor: Actor, key_id: UUID) -> bool:
        """Delete a key and notify every service; return False if it does not exist."""
        which = (api_keys.c.tenant_id == actor.tenant_id) & (api_keys.c.id == key_id)
        async with self._database.tenant(actor.tenant_id) as connection:
            # The audit entry first, so that it has the name of a key that deletes itself.
            row = (await connection.execute(select(api_keys).where(which))).one_or_none()
            if row is None:
                return False
            await write_audit(connection, actor, Change("api_key.delete", key_id, before=_api_key(row).audited()))
            await connection.execute(delete(api_keys).where(which))
            await revoke(connection, actor.tenant_id, Revoked.API_KEY, [key_id])
        return True


def _api_key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        prefix=row.prefix,
        create_us=from_datetime(row.create_time),
        expire_us=moment(row.expire_time),
        last_use_us=moment(row.last_use_time),
    )
