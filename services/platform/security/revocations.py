"""Revocations: changes of credentials in use, known to every service within a second.

LISTEN/NOTIFY delivers them at once; a poll is the fallback, and a reconnect reads all (architecture.md § Trust). The
hot path reads dictionaries in memory, never the database.
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
# A revocation may be discarded once nothing that was cached before it can be in use: access tokens live 15 minutes, and
# API keys are read again sooner than that.
KEEP = timedelta(minutes=20)
# A fixed schedule without backoff, because a revocation has to take effect within a second.
_POLL_S = 1.0
# A transaction may commit shortly after another one with a later time.
_OVERLAP = timedelta(seconds=30)

_log = logs.get("revocations")


class Revoked(IntEnum):
    """The kind of a revocation, which determines the kind of its subject."""

    SESSION = 1
    API_KEY = 2
    ROLE = 3
    SUSPENDED = 4
    RESUMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """One revocation.

    Attributes:
        kind: the kind of change.
        subject: the session, the API key, the user whose role changed, or the tenant.
        time: the time of the change; of two changes of one subject the later one counts.
        role: the new role of the user.
        reason: why the tenant is suspended.
    """

    kind: Revoked
    subject: UUID
    time: datetime
    role: Role | None = None
    reason: str = ""

    def payload(self) -> str:
        """Return the payload of the notification."""
        return f"{self.kind:d} {self.subject} {from_datetime(self.time)} {self.role or 0:d} {self.reason}"

    @classmethod
    def parse(cls, payload: str) -> "Revocation":
        """Parse the payload of a notification."""
        kind, subject, time_us, role, reason = payload.split(" ", 4)
        return cls(
            kind=Revoked(int(kind)),
            subject=UUID(subject),
            time=to_datetime(int(time_us)),
            role=Role(int(role)) if int(role) else None,
            reason=reason,
        )


class Revocations:
    """Decides whether a verified credential has been revoked since.

    Args:
        store: the revocations in PostgreSQL.
    """

    def __init__(self, store: "CommonStore") -> None:
        self._store = store
        # By subject: ids are unique across sessions, keys, users and tenants.
        self._known: dict[UUID, Revocation] = {}
        self._newest: datetime | None = None

    def admit(self, principal: Principal) -> Principal:
        """Return the principal with its present role.

        Raises:
            Unauthenticated: SESSION_ENDED, or TOKEN_INVALID for a deleted API key.
            PermissionDenied: TENANT_SUSPENDED.
        """
        known = self._known
        if not known:
            return principal
        if principal.credential_id in known:
            raise credential_ended_error(known[principal.credential_id].kind)
        tenant = known.get(principal.tenant_id)
        if tenant is not None and tenant.kind is Revoked.SUSPENDED:
            raise tenant_suspended_error(tenant.reason)
        user = known.get(principal.user_id) if principal.user_id else None
        if user is not None and user.role is not None and user.role is not principal.role:
            return replace(principal, role=user.role)
        return principal

    def on_notify(self, payload: str) -> None:
        """Apply a revocation from a notification."""
        self._learn(Revocation.parse(payload))

    async def refresh(self) -> None:
        """Read recent revocations, and discard those older than any credential in use.

        Raises:
            Unavailable: the database is unavailable.
        """
        oldest = datetime.now(UTC) - KEEP
        self._known = {subject: entry for subject, entry in self._known.items() if entry.time > oldest}
        for entry in await self._store.revoked_since(max(oldest, (self._newest or oldest) - _OVERLAP)):
            self._learn(entry)

    async def run(self) -> None:
        """Poll every second, until cancelled."""
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


def credential_ended_error(kind: Revoked) -> Unauthenticated:
    """Return the error for the bearer of a revoked credential."""
    if kind is Revoked.API_KEY:
        return Unauthenticated(reasons.ERROR_REASON_TOKEN_INVALID, "API key is invalid or revoked.")
    return Unauthenticated(reasons.ERROR_REASON_SESSION_ENDED, "Session has ended. Log in again.")


def tenant_suspended_error(reason: str) -> PermissionDenied:
    """Return the error for callers of a suspended tenant."""
    return PermissionDenied(reasons.ERROR_REASON_TENANT_SUSPENDED, f"Tenant is suspended. Reason: {reason}")
