"""Conversion of plain numbers to Prometheus metric families.

A scrape runs in another thread (metrics_server.py). It may therefore only read what is safe to read from any thread: a
number, the length of a collection, or a copy that is made in one step.
"""

from collections.abc import Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from services.platform.clock import SECOND_US
from services.platform.metrics.distribution import Distribution, cumulative

Labelled = Mapping[tuple[str, ...], float]
"""Values of a metric by their label values."""


def counter(name: str, about: str, labels: Sequence[str], values: Labelled) -> CounterMetricFamily:
    """Return a counter.

    Args:
        name: the name of the metric; the library appends _total.
        about: the help text, one sentence.
        labels: the names of the labels.
        values: the values by label values.
    """
    family = CounterMetricFamily(name, about, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family


def gauge(name: str, about: str, labels: Sequence[str], values: Labelled) -> GaugeMetricFamily:
    """Return a gauge.

    Args:
        name: the name of the metric.
        about: the help text, one sentence.
        labels: the names of the labels.
        values: the values by label values.
    """
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
    """Return a histogram in seconds from distributions in microseconds.

    Args:
        name: the name of the metric; ends in _seconds.
        about: the help text, one sentence.
        labels: the names of the labels.
        values: the distributions by label values.
        at_us: the bounds to show, in microseconds; a subset of the distributions' bounds.
    """
    return _histogram(name, about, labels, values, at_us, SECOND_US)


def sizes(name: str, about: str, distribution: Distribution) -> HistogramMetricFamily:
    """Return a histogram with the bounds and the unit of a distribution.

    Args:
        name: the name of the metric.
        about: the help text, one sentence.
        distribution: the values.
    """
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
