"""The reasons to end a stream while its client still reads: credential, tenant or shutdown."""

import asyncio
from enum import IntEnum
from uuid import UUID

from services.platform.clock import now_us
from services.platform.errors import PermissionDenied, Unauthenticated
from services.platform.security.principal import Principal, Role
from services.platform.security.revocations import Revocations

# How often a quiet stream checks whether it has to end.
POLL_S = 0.5
KEEP_ALIVE_S = 15.0


class EndReason(IntEnum):
    """The reason for the end of a stream. The numbers are the contract's."""

    COMPLETE = 1
    SHUTTING_DOWN = 2
    SLOW_READER = 3
    TOKEN_EXPIRED = 4
    SESSION_ENDED = 5
    INTERNAL = 6


class StreamGuard:
    """Checks whether one stream may continue.

    Args:
        principal: the caller.
        revocations: the revocations of credentials.
        stopping: set when the server shuts down.
        role: the minimum role for the stream.
    """

    def __init__(
        self, principal: Principal, revocations: Revocations, stopping: asyncio.Event, role: Role = Role.VIEWER
    ) -> None:
        self._role = role
        self._principal = principal
        self._revocations = revocations
        self._stopping = stopping

    @property
    def tenant_id(self) -> UUID:
        """The tenant of the caller."""
        return self._principal.tenant_id

    def must_end(self) -> EndReason | None:
        """Return the reason for which the stream must end now; None if it may continue."""
        if self._stopping.is_set():
            return EndReason.SHUTTING_DOWN
        try:
            role = self._revocations.admit(self._principal).role
        except (Unauthenticated, PermissionDenied):
            return EndReason.SESSION_ENDED
        if role < self._role:
            return EndReason.SESSION_ENDED
        if now_us() >= self._principal.expire_us:
            return EndReason.TOKEN_EXPIRED
        return None
