"""What changed about credentials that are still in use: known to every service within a second.

LISTEN/NOTIFY brings it at once; a poll is the fallback, and a reconnect reads afresh (architecture.md § Trust). The hot
path asks dictionaries in memory, never the database.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform import logs
from services.platform.clock import from_datetime, to_datetime
from services.platform.errors import PermissionDenied, SentinelError, Unauthenticated
from services.platform.security.principal import Principal, Role

if TYPE_CHECKING:
    from services.platform.postgres.common_store import CommonStore

CHANNEL = "revoked"
# Behind the longest life of what a service remembers about a credential, a change has reached it by itself: access
# tokens live 15 minutes, and an API key is read again sooner than that.
KEEP = timedelta(minutes=20)
_POLL_S = 1.0
# A transaction may commit a little after another with a later time.
_OVERLAP = timedelta(seconds=30)

_log = logs.get("revocations")


class Revoked(IntEnum):
    """What kind of change it is, and so what its subject is."""

    SESSION = 1
    API_KEY = 2
    ROLE = 3
    SUSPENDED = 4
    RESUMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """One change.

    Attributes:
        kind: what happened.
        subject: the session, the API key, the user whose role changed, or the tenant.
        time: when; of two about one subject the later one counts.
        role: the user's role from now on.
        reason: why the tenant was suspended.
    """

    kind: Revoked
    subject: UUID
    time: datetime
    role: Role | None = None
    reason: str = ""

    def payload(self) -> str:
        """As the notification carries it."""
        return f"{self.kind:d} {self.subject} {from_datetime(self.time)} {self.role or 0:d} {self.reason}"

    @classmethod
    def parse(cls, payload: str) -> "Revocation":
        """From a notification."""
        kind, subject, time_us, role, reason = payload.split(" ", 4)
        return cls(
            kind=Revoked(int(kind)),
            subject=UUID(subject),
            time=to_datetime(int(time_us)),
            role=Role(int(role)) if int(role) else None,
            reason=reason,
        )


class Revocations:
    """Decides whether a credential that was good when it was issued or read is still.

    Args:
        store: where changes are recorded.
    """

    def __init__(self, store: "CommonStore") -> None:
        self._store = store
        # By subject: ids are unique over sessions, keys, users and tenants.
        self._known: dict[UUID, Revocation] = {}
        self._newest: datetime | None = None

    def admit(self, principal: Principal) -> Principal:
        """The caller with the role that counts now.

        Raises:
            Unauthenticated: SESSION_ENDED, or TOKEN_INVALID for an API key that was deleted.
            PermissionDenied: TENANT_SUSPENDED.
        """
        known = self._known
        if not known:
            return principal
        if principal.credential_id in known:
            raise ended(known[principal.credential_id].kind)
        tenant = known.get(principal.tenant_id)
        if tenant is not None and tenant.kind is Revoked.SUSPENDED:
            raise suspended(tenant.reason)
        user = known.get(principal.user_id) if principal.user_id else None
        if user is not None and user.role is not None and user.role is not principal.role:
            return replace(principal, role=user.role)
        return principal

    def on_notify(self, payload: str) -> None:
        """Something changed just now."""
        self._learn(Revocation.parse(payload))

    async def refresh(self) -> None:
        """Read all that changed lately, and forget what no credential can be older than.

        Raises:
            Unavailable: the database is away.
        """
        oldest = datetime.now(UTC) - KEEP
        self._known = {subject: entry for subject, entry in self._known.items() if entry.time > oldest}
        for entry in await self._store.revoked_since(max(oldest, (self._newest or oldest) - _OVERLAP)):
            self._learn(entry)

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                await self.refresh()
            except SentinelError:
                _log.debug("revocations not refreshed: database unavailable")

    def _learn(self, entry: Revocation) -> None:
        known = self._known.get(entry.subject)
        if known is None or known.time < entry.time:
            self._known[entry.subject] = entry
        if self._newest is None or self._newest < entry.time:
            self._newest = entry.time


def ended(kind: Revoked) -> Unauthenticated:
    """What the bearer of a revoked credential is told."""
    if kind is Revoked.API_KEY:
        return Unauthenticated(reasons.ERROR_REASON_TOKEN_INVALID, "API key is invalid or revoked.")
    return Unauthenticated(reasons.ERROR_REASON_SESSION_ENDED, "Session has ended. Log in again.")


def suspended(reason: str) -> PermissionDenied:
    """What every caller of a suspended tenant is told."""
    return PermissionDenied(reasons.ERROR_REASON_TENANT_SUSPENDED, f"Tenant is suspended. Reason: {reason}")
