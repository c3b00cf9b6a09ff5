"""API keys: credentials for machines, each shown once. services/platform/security/api_keys.py defines their format."""

from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth.model import ApiKey, Tenant
from services.platform.clock import now_us
from services.platform.errors import NotFound, Unauthenticated
from services.platform.ids import new_id
from services.platform.paging import Page, Pager
from services.platform.security.api_keys import SHOWN, KeyFormat, hash_of
from services.platform.security.audit import Actor
from services.platform.security.principal import Role

if TYPE_CHECKING:
    from services.auth.store.api_keys import ApiKeySql

_SCOPE = "API keys"


class ApiKeys:
    """Use cases of API keys: create, identify, list, delete.

    Args:
        store: API keys in PostgreSQL.
        key_format: generates keys.
        pager: reads and writes page tokens.
    """

    def __init__(self, store: "ApiKeySql", key_format: KeyFormat, pager: Pager) -> None:
        self._store = store
        self._format = key_format
        self._pager = pager

    async def create(self, actor: Actor, name: str, role: Role, expire_us: int | None) -> tuple[ApiKey, str]:
        """Create a key; return its record and the key itself.

        Raises:
            AlreadyExists: API_KEY_NAME_TAKEN.
        """
        secret = self._format.new()
        key = ApiKey(id=new_id(), name=name, role=role, prefix=secret[:SHOWN], create_us=now_us(), expire_us=expire_us)
        await self._store.create_api_key(actor, key, hash_of(secret))
        return key, secret

    async def get_caller(self, tenant_id: UUID, key_id: UUID) -> tuple[Tenant, ApiKey]:
        """Return the calling key and its tenant.

        Raises:
            Unauthenticated: TOKEN_INVALID: the key was deleted.
        """
        found = await self._store.find_api_key(tenant_id, key_id)
        if found is None:
            raise Unauthenticated(reasons.ERROR_REASON_TOKEN_INVALID, "API key is invalid or revoked.")
        return found

    async def list(self, tenant_id: UUID, page_size: int, page_token: str) -> Page[ApiKey]:
        """Return a page of the tenant's keys, oldest first.

        Raises:
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        request = self._pager.request(tenant_id, _SCOPE, page_size, page_token)
        rows, total = await self._store.list_api_keys(tenant_id, request)
        return self._pager.page(tenant_id, _SCOPE, request, rows, total, lambda key: key.id)

    async def delete(self, actor: Actor, key_id: UUID) -> None:
        """Delete a key, so that no service accepts it any more.

        Raises:
            NotFound: API_KEY_NOT_FOUND.
        """
        if not await self._store.delete_api_key(actor, key_id):
            raise NotFound(reasons.ERROR_REASON_API_KEY_NOT_FOUND, "API key not found.")
