"""What whoever runs the installation does to a tenant: suspend it, and let it go on."""

from typing import Protocol
from uuid import UUID

from services.common.audit import Actor, ActorKind
from services.common.clock import now_us
from services.common.origin import Origin

_COMMAND_LINE = Origin("", "sentinel command line", "")


# It travels in a notification, which has 8,000 bytes.
_LONGEST_REASON = 500


class OperatorError(Exception):
    """What the operator asks for cannot be done; the message is the sentence to print."""


class TenantStore(Protocol):
    """What suspending needs from the database."""

    async def tenant_of_slug(self, slug: str) -> UUID | None:
        """A tenant's id."""

    async def suspend(self, actor: Actor, reason: str, now: int) -> bool:
        """Suspend the actor's tenant and tell every service; False if it is suspended already."""

    async def resume(self, actor: Actor, now: int) -> bool:
        """Let the actor's tenant go on and tell every service; False if it is not suspended."""


class Tenants:
    """Suspends tenants: every call is refused with the reason, and checks pause.

    Args:
        store: where that is recorded.
    """

    def __init__(self, store: TenantStore) -> None:
        self._store = store

    async def suspend(self, slug: str, reason: str) -> bool:
        """Suspend a tenant; False if it is suspended already.

        Raises:
            OperatorError: no tenant has this slug, or the reason is empty or too long.
        """
        if not reason.strip() or len(reason) > _LONGEST_REASON:
            raise OperatorError(f"the reason takes 1 to {_LONGEST_REASON} characters")
        return await self._store.suspend(await self._operator(slug), reason.strip(), now_us())

    async def resume(self, slug: str) -> bool:
        """Let a tenant go on; False if it is not suspended.

        Raises:
            OperatorError: no tenant has this slug.
        """
        return await self._store.resume(await self._operator(slug), now_us())

    async def _operator(self, slug: str) -> Actor:
        tenant_id = await self._store.tenant_of_slug(slug)
        if tenant_id is None:
            raise OperatorError(f"no tenant has the slug {slug!r}")
        return Actor(tenant_id, ActorKind.OPERATOR, None, _COMMAND_LINE)
