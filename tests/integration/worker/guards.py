"""Guards of streams, and credentials that can be taken away."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from services.platform.clock import SECOND_US, now_us
from services.platform.ids import new_id
from services.platform.postgres.common_store import CommonStore
from services.platform.rpc.stream_guard import StreamGuard
from services.platform.security.principal import Principal, Role
from services.platform.security.revocations import Revocation, Revocations, Revoked


class _NothingRecorded(CommonStore):
    def __init__(self) -> None:
        """Need no database."""

    async def revoked_since(self, _moment: datetime) -> Sequence[Revocation]:
        return ()


class Credentials:
    """An administrator's, in a tenant.

    Attributes:
        stopping: set when the server's end begins.
    """

    def __init__(self, tenant_id: UUID) -> None:
        self.stopping = asyncio.Event()
        self._revocations = Revocations(_NothingRecorded())
        self._principal = Principal(
            tenant_id=tenant_id,
            user_id=new_id(),
            role=Role.ADMIN,
            credential_id=new_id(),
            expire_us=now_us() + 3_600 * SECOND_US,
        )

    def guard(self, role: Role) -> StreamGuard:
        """The guard of a stream that needs a role."""
        return StreamGuard(self._principal, self._revocations, self.stopping, role)

    def revoke(self, kind: Revoked, role: Role | None) -> None:
        """Let every service know of a change, as a notification does."""
        principal = self._principal
        subject = {Revoked.SUSPENDED: principal.tenant_id, Revoked.ROLE: principal.user_id}.get(
            kind, principal.credential_id
        )
        assert subject is not None
        change = Revocation(kind=kind, subject=subject, time=datetime.now(UTC), role=role, reason="a test")
        self._revocations.on_notify(change.payload())


def a_guard(tenant_id: UUID) -> StreamGuard:
    """The guard of a stream that may go on."""
    return Credentials(tenant_id).guard(Role.ADMIN)
