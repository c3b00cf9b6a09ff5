"""Metrics of the streams of a process."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from services.platform.metrics.exposition import counter, gauge
from services.platform.rpc.stream_guard import EndReason


class StreamMetrics:
    """The metrics of one kind of stream; all except `readers` are counters.

    Attributes:
        readers: open streams.
        sent_events: messages sent to readers, without keep-alives and the like.
    """

    def __init__(self) -> None:
        self.readers = 0
        self.sent_events = 0
        # The last place counts readers that disconnected.
        self._ended = [0] * (len(EndReason) + 1)

    def reader_came(self) -> None:
        """Count a new stream."""
        self.readers += 1

    def sent(self) -> None:
        """Count a message to a reader."""
        self.sent_events += 1

    def reader_left(self, reason: EndReason | None) -> None:
        """Count the end of a stream; the reason is None if its reader disconnected."""
        self.readers -= 1
        self._ended[reason - 1 if reason else -1] += 1

    def ended(self) -> dict[tuple[str, ...], float]:
        """Return the ended streams by reason; READER if the reader disconnected."""
        names = [reason.name for reason in EndReason] + ["READER"]
        return {(name,): count for name, count in zip(names, self._ended, strict=True)}

    def collect(self, prefix: str, events: str) -> Iterator[Metric]:
        """Yield the metrics.

        Args:
            prefix: the prefix of the names: "sentinel_stream".
            events: the messages, in the plural: "results".
        """
        yield gauge(f"{prefix}_readers", f"Open streams of {events}.", (), {(): self.readers})
        yield counter(f"{prefix}_{events}", f"{events.capitalize()} sent to clients.", (), {(): self.sent_events})
        yield counter(
            f"{prefix}_readers_ended",
            "Ended streams, by reason; READER: the client disconnected.",
            ("reason",),
            self.ended(),
        )
