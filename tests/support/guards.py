"""A stream guard that records its decisions."""

import asyncio
from dataclasses import replace

from services.platform.clock import now_us
from services.platform.rpc.stream_guard import EndReason, StreamGuard
from services.platform.security.principal import Principal
from services.platform.security.revocations import Revocations


class NotingGuard(StreamGuard):
    """A stream guard that records its decisions.

    Attributes:
        found: the reason of each decision to end the stream.
    """

    def __init__(self, principal: Principal, revocations: Revocations, stopping: asyncio.Event) -> None:
        super().__init__(principal, revocations, stopping)
        self.found: list[EndReason] = []

    def expire(self) -> None:
        """Let the caller's token expire now."""
        self._principal = replace(self._principal, expire_us=now_us())

    def must_end(self) -> EndReason | None:
        reason = super().must_end()
        if reason is not None:
            self.found.append(reason)
        return reason
