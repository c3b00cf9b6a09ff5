"""Monitor's figures as Prometheus takes them."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from services.platform.rpc.stream_metrics import StreamMetrics


class MonitorCollector:
    """Reads the figures when somebody scrapes.

    Args:
        watches: what has been counted of those who watch services.
    """

    def __init__(self, watches: StreamMetrics) -> None:
        self._watches = watches

    def collect(self) -> Iterator[Metric]:
        """As Prometheus takes it."""
        yield from self._watches.collect("sentinel_watch", "services")
