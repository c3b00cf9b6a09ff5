"""The metrics of a process's open streams."""

from collections.abc import Iterator

from prometheus_client import Counter, Gauge
from prometheus_client.core import Metric

from services.platform.rpc.stream_guard import EndReason

_READER = "READER"


class StreamMetrics:
    """Metrics of one kind of stream.

    Args:
        prefix: the prefix of the names, such as "sentinel_stream".
        events: the name of the sent items in the plural, such as "results".
    """

    def __init__(self, prefix: str, events: str) -> None:
        self._readers = Gauge(f"{prefix}_readers", f"Open streams of {events}.", registry=None)
        self._sent = Counter(f"{prefix}_{events}", f"{events.capitalize()} sent to clients.", registry=None)
        self._ended = Counter(
            f"{prefix}_readers_ended",
            "Ended streams, by reason; READER: the client disconnected.",
            ["reason"],
            registry=None,
        )
        for reason in (*(each.name for each in EndReason), _READER):
            self._ended.labels(reason)  # shown from the start, as 0

    def reader_came(self) -> None:
        """Count a stream that began."""
        self._readers.inc()

    def sent(self) -> None:
        """Count an item that was sent to a reader; keep-alives do not count."""
        self._sent.inc()

    def reader_left(self, reason: EndReason | None) -> None:
        """Count a stream that ended; the reason is None if its reader disconnected."""
        self._readers.dec()
        self._ended.labels(reason.name if reason else _READER).inc()

    def collect(self) -> Iterator[Metric]:
        """Return the metrics for Prometheus."""
        for each in (self._readers, self._sent, self._ended):
            yield from each.collect()
