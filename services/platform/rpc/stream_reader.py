"""Code that all readers of live streams share: their end, their keep-alives, and the limit of their queues."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import ResourceExhausted
from services.platform.rpc.stream_guard import HEARTBEAT_S, LOOK_S, EndReason, StreamGuard
from services.platform.rpc.stream_metrics import StreamMetrics

# Sooner than promised, because a due keep-alive is noticed with a delay.
QUIET_S = HEARTBEAT_S - 2 * LOOK_S
_MOST_OF_A_TENANT = 2_000
_RETRY_AFTER_S = 5.0


class StreamReader(ABC):
    """A reader of a live stream.

    Attributes:
        over: the reason for the end; None while the stream is open.
        something: set when there is something to send.
    """

    def __init__(self) -> None:
        self.over: EndReason | None = None
        self.something = asyncio.Event()
        self._heard_at = time.monotonic()

    @property
    @abstractmethod
    def held(self) -> int:
        """The number of queued items that are not yet sent."""

    @abstractmethod
    def forget(self) -> None:
        """Drop the queued items."""

    def end(self, reason: EndReason) -> None:
        """End the stream."""
        # The end of a credential takes precedence over a slow reader.
        if self.over in (None, EndReason.SLOW_READER):
            self.over = reason
            self.something.set()

    def is_over(self) -> bool:
        """Return whether the stream has ended."""
        return self.over is not None

    def stops_now(self) -> bool:
        """Return whether even queued messages must not be sent; a slow reader still gets them."""
        return self.over not in (None, EndReason.SLOW_READER)

    def heard(self) -> None:
        """Record that a message with a cursor was sent."""
        self._heard_at = time.monotonic()

    def is_quiet(self) -> bool:
        """Return whether a keep-alive is due."""
        return time.monotonic() - self._heard_at >= QUIET_S


class Backlog:
    """The total size of the queues of all readers of a process.

    Args:
        most: the limit.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.readers: set[StreamReader] = set()
        self._held = 0

    def grew(self, by: int) -> None:
        """Add to the total; above the limit, end the readers with the longest queues as slow."""
        self._held += by
        while self._held > self.most:
            slowest = max(self.readers, key=lambda reader: reader.held)
            slowest.end(EndReason.SLOW_READER)
            slowest.forget()


class OpenStreams:
    """The open streams of one process.

    Args:
        metrics: counts readers.
        most_of_a_tenant: the limit of open streams per tenant.
    """

    def __init__(self, metrics: StreamMetrics, most_of_a_tenant: int = _MOST_OF_A_TENANT) -> None:
        self._metrics = metrics
        self._most_of_a_tenant = most_of_a_tenant
        self._open: dict[StreamReader, StreamGuard] = {}
        self._of_tenant: Counter[UUID] = Counter()

    def refuse_more(self, tenant_id: UUID) -> None:
        """Refuse another stream of a tenant if it has as many as it may.

        Raises:
            ResourceExhausted: OVERLOADED.
        """
        if self._of_tenant[tenant_id] >= self._most_of_a_tenant:
            most, open_now = self._most_of_a_tenant, self._of_tenant[tenant_id]
            message = f"Too many open streams: this tenant has {open_now}, limit {most}. Close some."
            raise ResourceExhausted(
                reasons.ERROR_REASON_OVERLOADED, message, _RETRY_AFTER_S, limit=most, actual=open_now
            )

    @contextmanager
    def holding(self, reader: StreamReader, guard: StreamGuard) -> Iterator[None]:
        """Register a reader while the block runs."""
        self._open[reader] = guard
        self._of_tenant[guard.tenant_id] += 1
        self._metrics.reader_came()
        try:
            yield
        finally:
            del self._open[reader]
            self._of_tenant[guard.tenant_id] -= 1
            if not self._of_tenant[guard.tenant_id]:
                del self._of_tenant[guard.tenant_id]
            self._metrics.reader_left(reader.over)

    async def run(self) -> None:
        """Check all open streams until cancelled: end those that must end, wake those with a due keep-alive."""
        while True:
            await asyncio.sleep(LOOK_S)
            for reader, guard in list(self._open.items()):
                reason = guard.must_end()
                if reason is not None:
                    reader.end(reason)
                elif reader.is_quiet():
                    reader.something.set()
