"""When a stream has to end though its client still reads: the session, the token or the server came to its end."""

import asyncio
from enum import IntEnum

from services.common.clock import now_us
from services.common.ended_sessions import EndedSessions
from services.common.principal import Principal

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
        ended: sessions whose streams end.
        stopping: set when the server's end begins.
    """

    def __init__(self, principal: Principal, ended: EndedSessions, stopping: asyncio.Event) -> None:
        self._principal = principal
        self._ended = ended
        self._stopping = stopping

    def must_end(self) -> EndReason | None:
        """Why the stream must end now; None while it may go on."""
        if self._stopping.is_set():
            return EndReason.SHUTTING_DOWN
        if self._principal.session_id in self._ended:
            return EndReason.SESSION_ENDED
        if now_us() >= self._principal.expire_us:
            return EndReason.TOKEN_EXPIRED
        return None
