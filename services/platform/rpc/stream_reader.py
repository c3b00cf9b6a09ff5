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
from services.platform.rpc.stream_guard import KEEP_ALIVE_S, POLL_S, EndReason, StreamGuard
from services.platform.rpc.stream_metrics import StreamMetrics

# Sooner than promised, because a due keep-alive is noticed with a delay.
KEEP_ALIVE_AFTER_S = KEEP_ALIVE_S - 2 * POLL_S
_MOST_OF_A_TENANT = 2_000
_RETRY_AFTER_S = 5.0


class StreamReader(ABC):
    """A reader of a live stream.

    Attributes:
        end_reason: the reason for the end; None while the stream is open.
        wakeup: set when there is something to send.
    """

    def __init__(self) -> None:
        self.end_reason: EndReason | None = None
        self.wakeup = asyncio.Event()
        self._sent_at = time.monotonic()

    @property
    @abstractmethod
    def held(self) -> int:
        """The number of queued items that are not yet sent."""

    @abstractmethod
    def discard_unread(self) -> None:
        """Drop the queued items."""

    def end(self, reason: EndReason) -> None:
        """End the stream."""
        # The end of a credential takes precedence over a slow reader.
        if self.end_reason in (None, EndReason.SLOW_READER):
            self.end_reason = reason
            self.wakeup.set()

    def is_over(self) -> bool:
        """Return whether the stream has ended."""
        return self.end_reason is not None

    def must_stop_now(self) -> bool:
        """Return whether even queued messages must not be sent; a slow reader still gets them."""
        return self.end_reason not in (None, EndReason.SLOW_READER)

    def note_sent(self) -> None:
        """Record that a message with a cursor was sent."""
        self._sent_at = time.monotonic()

    def needs_keep_alive(self) -> bool:
        """Return whether a keep-alive is due."""
        return time.monotonic() - self._sent_at >= KEEP_ALIVE_AFTER_S


class UnreadLimit:
    """The total size of the queues of all readers of a process.

    Args:
        most: the limit.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.readers: set[StreamReader] = set()
        self._held = 0

    def add_unread(self, by: int) -> None:
        """Add to the total; above the limit, end the readers with the longest queues as slow."""
        self._held += by
        while self._held > self.most:
            slowest = max(self.readers, key=lambda reader: reader.held)
            slowest.end(EndReason.SLOW_READER)
            slowest.discard_unread()


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
    def track(self, reader: StreamReader, guard: StreamGuard) -> Iterator[None]:
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
            self._metrics.reader_left(reader.end_reason)

    async def run(self) -> None:
        """Check all open streams until cancelled: end those that must end, wake those with a due keep-alive."""
        while True:
            await asyncio.sleep(POLL_S)
            for reader, guard in list(self._open.items()):
                reason = guard.must_end()
                if reason is not None:
                    reader.end(reason)
                elif reader.needs_keep_alive():
                    reader.wakeup.set()
