"""Prometheus metrics: histograms, collectors, and the HTTP server of /metrics and /readyz."""

from prometheus_client import disable_created_metrics

# By default the library also exposes a _created series for each of its counters and histograms.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no type for it
