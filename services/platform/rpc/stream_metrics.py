"""What a process counts of the streams it has open."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from services.platform.metrics.exposition import counter, gauge
from services.platform.rpc.stream_guard import EndReason


class StreamMetrics:
    """Figures of one kind of stream; each only grows, but for `readers`.

    Attributes:
        readers: how many are open.
        sent_events: what was sent to readers, heartbeats and the like left out.
    """

    def __init__(self) -> None:
        self.readers = 0
        self.sent_events = 0
        # The last place is for readers that went away by themselves.
        self._ended = [0] * (len(EndReason) + 1)

    def reader_came(self) -> None:
        """A stream began."""
        self.readers += 1

    def sent(self) -> None:
        """Something was sent to a reader."""
        self.sent_events += 1

    def reader_left(self, reason: EndReason | None) -> None:
        """A stream ended; None when its reader went away."""
        self.readers -= 1
        self._ended[reason - 1 if reason else -1] += 1

    def ended(self) -> dict[tuple[str, ...], float]:
        """Streams by the reason of their end; READER when the reader went away."""
        names = [reason.name for reason in EndReason] + ["READER"]
        return {(name,): count for name, count in zip(names, self._ended, strict=True)}

    def collect(self, prefix: str, events: str) -> Iterator[Metric]:
        """As Prometheus takes it.

        Args:
            prefix: what the names begin with: "sentinel_stream".
            events: what is sent, in the plural: "results".
        """
        yield gauge(f"{prefix}_readers", f"Open streams of {events}.", (), {(): self.readers})
        yield counter(f"{prefix}_{events}", f"{events.capitalize()} sent to clients.", (), {(): self.sent_events})
        yield counter(
            f"{prefix}_readers_ended",
            "Ended streams, by reason; READER: the client disconnected.",
            ("reason",),
            self.ended(),
        )
