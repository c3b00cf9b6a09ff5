"""Reading of /metrics."""

import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Values by the sample's name and labels."""


def parsed(text: str) -> Samples:
    """Return the samples of a scrape."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(target: str) -> Samples:
    """Return the samples of a process that listens at host:port."""
    with urllib.request.urlopen(f"http://{target}/metrics", timeout=60) as answer:
        return parsed(answer.read().decode())


def collected(collector: Any) -> Samples:
    """Return the samples of a collector, as in a scrape."""
    registry = CollectorRegistry()
    registry.register(collector)
    return parsed(generate_latest(registry).decode())


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return the value of the only sample with this name and these labels."""
    return samples[name, frozenset(labels.items())]


def labels_of(samples: Iterable[tuple[str, frozenset[tuple[str, str]]]], name: str) -> Iterator[dict[str, str]]:
    """Yield the labels of each sample of this name."""
    return (dict(labels) for each, labels in samples if each == name)
