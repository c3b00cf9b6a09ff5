"""The names, types and labels on /metrics are what dashboards and alerts go by: data/metrics.txt holds them."""

import re
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from services.monitor.quarantine import BackgroundCollector, Quarantine
from services.platform.metrics.process_metrics import ProcessMetrics
from services.platform.rpc.stream_metrics import StreamMetrics
from services.worker.exposition import WorkerCollector
from services.worker.metrics import Metrics
from tests.unit.worker.test_metrics import GAUGES

_EXPECTED = Path(__file__).parent / "data" / "metrics.txt"
_DOCS = Path(__file__).parents[3] / "docs" / "operations.md"


def test_each_process_shows_these_names_types_and_labels_and_no_others() -> None:
    assert sorted(_shown()) == _EXPECTED.read_text().splitlines()


def test_the_documentation_has_each_metric() -> None:
    rows = "\n".join(line for line in _DOCS.read_text().splitlines() if line.startswith("| `"))
    documented = set(re.findall(r"\b(?:sentinel|grpc)_\w+", rows))
    shown = {line.split()[1] for line in _shown()}
    assert shown
    assert shown - documented == set()


def _shown() -> Iterator[str]:
    """A line for each sample's name: process, name, type, labels."""
    for service, registry in (("auth", _process()), ("monitor", _monitor()), ("worker", _worker())):
        for family in text_string_to_metric_families(generate_latest(registry).decode()):
            if family.name.startswith(("process_", "python_")):
                continue  # the library's own
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {tuple(label for label in sample.labels if label != "le") for sample in family.samples}
            (only,) = labels
            samples = {sample.name.removeprefix(family.name) for sample in family.samples}
            yield f"{service} {name} {family.type} {{{', '.join(only)}}} {' '.join(sorted(samples))}".rstrip()


def _process() -> CollectorRegistry:
    metrics = ProcessMetrics("auth")
    metrics.calls.ended("/sentinel.auth.v1.AuthService/Login", "OK", 1, streams=False)
    metrics.database.watch_pool("requests", lambda: 0, 1)
    return metrics.registry


def _monitor() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(StreamMetrics("sentinel_watch", "services"))
    registry.register(BackgroundCollector(Quarantine("rollup")))
    return registry


def _worker() -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(WorkerCollector(Metrics(), GAUGES))
    return registry
