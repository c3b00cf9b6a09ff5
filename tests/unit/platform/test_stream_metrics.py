"""What an operator sees of those who watch services."""

from prometheus_client import CollectorRegistry

from services.platform.rpc.stream_guard import EndReason
from services.platform.rpc.stream_metrics import StreamMetrics


def test_those_who_watch_what_they_are_told_and_why_they_end_are_counted() -> None:
    metrics = StreamMetrics("sentinel_watch", "services")
    registry = CollectorRegistry()
    registry.register(metrics)
    for _ in range(3):
        metrics.reader_came()
    metrics.sent()
    metrics.reader_left(EndReason.TOKEN_EXPIRED)
    metrics.reader_left(None)

    assert registry.get_sample_value("sentinel_watch_readers") == 1
    assert registry.get_sample_value("sentinel_watch_services_total") == 1
    for reason, count in (("TOKEN_EXPIRED", 1), ("READER", 1), ("SLOW_READER", 0)):
        assert registry.get_sample_value("sentinel_watch_readers_ended_total", {"reason": reason}) == count
