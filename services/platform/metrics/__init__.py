"""Figures for Prometheus: histograms, and the endpoint that shows them."""

from prometheus_client import disable_created_metrics

# Else each counter and histogram of the library would also be shown with the time when it was made.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no type for it
