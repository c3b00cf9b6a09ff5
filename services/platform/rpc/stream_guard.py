"""When a stream has to end though its client still reads: its credential, its tenant or the server came to an end."""

import asyncio
from enum import IntEnum
from uuid import UUID

from services.platform.clock import now_us
from services.platform.errors import PermissionDenied, Unauthenticated
from services.platform.security.principal import Principal, Role
from services.platform.security.revocations import Revocations

# How often a quiet stream looks whether it has to end.
LOOK_S = 0.5
HEARTBEAT_S = 15.0


class EndReason(IntEnum):
    """Why a stream ended. The numbers are the contract's."""

    COMPLETE = 1
    SHUTTING_DOWN = 2
    SLOW_READER = 3
    TOKEN_EXPIRED = 4
    SESSION_ENDED = 5
    INTERNAL = 6


class StreamGuard:
    """Watches one stream's right to go on.

    Args:
        principal: whose stream it is.
        revocations: know whose streams end.
        stopping: set when the server's end begins.
        role: the least role that may have the stream.
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
        """Whose stream it is."""
        return self._principal.tenant_id

    def must_end(self) -> EndReason | None:
        """Why the stream must end now; None while it may go on."""
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
