"""Figures on their way out: metric families out of plain integers.

They are read in threads (metrics_server.py). What a scrape reads must therefore be readable from any thread: a number,
the length of a collection, or a copy that is made at once.
"""

from collections.abc import Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from services.platform.clock import SECOND_US
from services.platform.metrics.distribution import Distribution, cumulative

Labelled = Mapping[tuple[str, ...], float]
"""Values by the values of their labels."""


def counter(name: str, about: str, labels: Sequence[str], values: Labelled) -> CounterMetricFamily:
    """A figure that only grows, by its labels; the library adds _total to its name."""
    family = CounterMetricFamily(name, about, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def gauge(name: str, about: str, labels: Sequence[str], values: Labelled) -> GaugeMetricFamily:
    """A figure of the moment, by its labels."""
    family = GaugeMetricFamily(name, about, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def seconds(
    name: str,
    about: str,
    labels: Sequence[str],
    values: Mapping[tuple[str, ...], Distribution],
    at_us: Sequence[int],
) -> HistogramMetricFamily:
    """A histogram in seconds out of distributions of microseconds.

    Args:
        name: ends in _seconds.
        about: one sentence.
        labels: their names.
        values: the distributions, by the values of their labels.
        at_us: which of the distributions' bounds to show.
    """
    return _histogram(name, about, labels, values, at_us, SECOND_US)


def sizes(name: str, about: str, distribution: Distribution) -> HistogramMetricFamily:
    """A histogram of a distribution as it is."""
    return _histogram(name, about, (), {(): distribution}, distribution.bounds, 1)


def _histogram(
    name: str,
    about: str,
    labels: Sequence[str],
    values: Mapping[tuple[str, ...], Distribution],
    at: Sequence[int],
    unit: int,
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, about, labels=labels)
    names = [*(str(float(bound / unit)) for bound in at), "+Inf"]
    for key, distribution in values.items():
        counts = cumulative(distribution.bounds, distribution.counts, at)
        family.add_metric(key, list(zip(names, counts, strict=True)), distribution.sum / unit)
    return family
