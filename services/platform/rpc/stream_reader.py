"""What readers of all live streams share: when to stop, when a heartbeat is due, how much all of them hold."""

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

# Sooner than promised, since it is looked only so often whether a heartbeat is due.
QUIET_S = HEARTBEAT_S - 2 * LOOK_S
_MOST_OF_A_TENANT = 2_000
_RETRY_S = 5.0


class StreamReader(ABC):
    """A reader of a live stream.

    Attributes:
        over: why nothing more will come, once that is so.
        something: set when there is something to do.
    """

    def __init__(self) -> None:
        self.over: EndReason | None = None
        self.something = asyncio.Event()
        self._heard_at = time.monotonic()

    @property
    @abstractmethod
    def held(self) -> int:
        """How much was handed to it that it has not taken yet."""

    @abstractmethod
    def forget(self) -> None:
        """Let go of what was not taken."""

    def end(self, reason: EndReason) -> None:
        """Nothing more will come."""
        # That a credential has ended counts more than that its bearer was slow.
        if self.over in (None, EndReason.SLOW_READER):
            self.over = reason
            self.something.set()

    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.over is not None

    def stops_now(self) -> bool:
        """Whether it must not even get what it has been given; who was merely slow still does."""
        return self.over not in (None, EndReason.SLOW_READER)

    def heard(self) -> None:
        """It was sent something that says where it stands."""
        self._heard_at = time.monotonic()

    def is_quiet(self) -> bool:
        """Whether a heartbeat is due."""
        return time.monotonic() - self._heard_at >= QUIET_S


class Backlog:
    """How much the readers of one process have not taken yet, all together.

    Args:
        most: how much that may be.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.readers: set[StreamReader] = set()
        self._held = 0

    def grew(self, by: int) -> None:
        """Count in or out; when it is too much, whoever holds most is told that it is slow."""
        self._held += by
        while self._held > self.most:
            slowest = max(self.readers, key=lambda reader: reader.held)
            slowest.end(EndReason.SLOW_READER)
            slowest.forget()


class OpenStreams:
    """The streams that one process has open.

    Args:
        metrics: told of readers that come and go.
        most_of_a_tenant: how many of them may be one tenant's, so that none takes what all share.
    """

    def __init__(self, metrics: StreamMetrics, most_of_a_tenant: int = _MOST_OF_A_TENANT) -> None:
        self._metrics = metrics
        self._most_of_a_tenant = most_of_a_tenant
        self._open: dict[StreamReader, StreamGuard] = {}
        self._of_tenant: Counter[UUID] = Counter()

    def refuse_more(self, tenant_id: UUID) -> None:
        """Refuse one more stream of a tenant than it may have.

        Raises:
            ResourceExhausted: OVERLOADED.
        """
        if self._of_tenant[tenant_id] >= self._most_of_a_tenant:
            most, open_now = self._most_of_a_tenant, self._of_tenant[tenant_id]
            message = f"Too many open streams: this tenant has {open_now}, limit {most}. Close some."
            raise ResourceExhausted(reasons.ERROR_REASON_OVERLOADED, message, _RETRY_S, limit=most, actual=open_now)

    @contextmanager
    def holding(self, reader: StreamReader, guard: StreamGuard) -> Iterator[None]:
        """Look after a reader as long as the block runs."""
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
        """Look after all open streams, until cancelled: end those that must end, wake those that were quiet long."""
        while True:
            await asyncio.sleep(LOOK_S)
            for reader, guard in list(self._open.items()):
                reason = guard.must_end()
                if reason is not None:
                    reader.end(reason)
                elif reader.is_quiet():
                    reader.something.set()
