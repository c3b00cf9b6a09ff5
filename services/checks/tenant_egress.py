"""The egress policy by tenant: settings name tenants by slug, calls and checks by id."""

from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.specs.hosts import literal
from services.checks.specs.spec import Spec
from services.platform.egress.policy import EgressPolicy, refusal_reason
from services.platform.errors import InvalidArgument

if TYPE_CHECKING:
    from services.platform.postgres.common_store import CommonStore

_MOST_KNOWN = 10_000


def refuse_blocked(policy: EgressPolicy, spec: Spec, path: str, tenant: str = "") -> None:
    """Refuse a check that names a blocked literal address. Host names are not resolved.

    Args:
        policy: the egress policy.
        spec: the spec of the check.
        path: the path of the spec in the request: "check.http"; empty for the request itself.
        tenant: the slug, as in `EgressPolicy.refused_by`.

    Raises:
        InvalidArgument: TARGET_BLOCKED, naming the field.
    """
    for name, host in spec.dialled_hosts.items():
        address = literal(host)
        setting = None if address is None else policy.refused_by(address, tenant)
        if setting is not None:
            raise InvalidArgument.field(
                f"{path}.{name}" if path else name,
                f"target address is blocked by the egress policy ({refusal_reason(setting)})",
                reasons.ERROR_REASON_TARGET_BLOCKED,
            )


class TenantEgress:
    """The egress policy for tenants.

    A slug is read only if the policy names tenants, and cached: the slug of a tenant does not change.

    Args:
        policy: the egress policy.
        store: reads slugs; without it no tenant counts as named by the policy.

    Attributes:
        policy: as given.
    """

    def __init__(self, policy: EgressPolicy, store: "CommonStore | None" = None) -> None:
        self.policy = policy
        self._store = store
        self._slugs: dict[UUID, str] = {}

    async def slug_of(self, tenant_id: UUID) -> str:
        """Return the slug that the policy needs for a tenant; empty if the policy names no tenants.

        Raises:
            Unavailable: the database is unavailable.
        """
        if self._store is None or not self.policy.named_tenants:
            return ""
        slug = self._slugs.get(tenant_id)
        if slug is None:
            slug = await self._store.slug_of_tenant(tenant_id)
            if len(self._slugs) >= _MOST_KNOWN:
                self._slugs.clear()
            if slug:
                self._slugs[tenant_id] = slug
        return slug

    async def refuse_blocked(self, tenant_id: UUID, spec: Spec, path: str) -> None:
        """Refuse a check of a tenant that names a blocked literal address.

        Args:
            tenant_id: the tenant.
            spec: the spec of the check.
            path: the path of the spec in the request: "check.http"; empty for the request itself.

        Raises:
            InvalidArgument: TARGET_BLOCKED, naming the field.
            Unavailable: the database is unavailable.
        """
        refuse_blocked(self.policy, spec, path, await self.slug_of(tenant_id))
