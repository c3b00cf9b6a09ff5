"""Prometheus metrics of the monitor process."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from services.platform.rpc.stream_metrics import StreamMetrics


class MonitorCollector:
    """A collector of the metrics of WatchServices.

    Args:
        watches: the counters of the streams.
    """

    def __init__(self, watches: StreamMetrics) -> None:
        self._watches = watches

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield from self._watches.collect("sentinel_watch", "services")
