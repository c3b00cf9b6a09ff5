"""The metrics of every process: gRPC calls, the database, and the process itself.

Labels have few values, all known in advance, such as methods of the contract and status codes. A tenant, user, address
or path is never a label.
"""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Gauge, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric

from services.platform.clock import SECOND_US
from services.platform.metrics.distribution import Distribution
from services.platform.metrics.exposition import counter, seconds
from services.platform.version import VERSION

_CALL_US = (
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
)  # fmt: skip
_CALL_LABELS = ("grpc_type", "grpc_service", "grpc_method")


class Calls:
    """Counts and durations of gRPC calls, in plain integers (docs/adr/0045).

    The metrics have the names that gRPC servers in other languages use (go-grpc-middleware).
    """

    def __init__(self) -> None:
        self._ended: dict[tuple[str, bool, str], int] = {}
        self._took: dict[tuple[str, bool], Distribution] = {}

    def ended(self, method: str, code: str, took_us: int, *, streams: bool) -> None:
        """Count a call that has ended.

        Args:
            method: the full gRPC name of the method, one of the contract's.
            code: the name of the status code.
            took_us: its duration in microseconds, from the first interceptor to its end.
            streams: whether the method is server-streaming.
        """
        kind = (method, streams)
        key = (method, streams, code)
        self._ended[key] = self._ended.get(key, 0) + 1
        took = self._took.get(kind)
        if took is None:
            took = self._took[kind] = Distribution(_CALL_US)
        took.add(took_us)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics. The Prometheus library calls this on each scrape."""
        ended, took = self._ended.copy(), self._took.copy()
        yield counter(
            "grpc_server_handled",
            "Completed calls, by method and status.",
            (*_CALL_LABELS, "grpc_code"),
            {(*_labels(method, streams), code): count for (method, streams, code), count in ended.items()},
        )
        yield seconds(
            "grpc_server_handling_seconds",
            "Duration of calls; of a stream, the time until it ends.",
            _CALL_LABELS,
            {_labels(method, streams): distribution for (method, streams), distribution in took.items()},
            _CALL_US,
        )


class DatabaseHealth:
    """Metrics of the database: the result of health queries, and the usage of the connection pools.

    Args:
        registry: the registry that /metrics shows.

    Attributes:
        is_up: whether the last health query succeeded.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.is_up = False
        self._up = Gauge(
            "sentinel_database_up", "1 if the last health query of the database succeeded, else 0.", registry=registry
        )
        self._answer = Gauge(
            "sentinel_database_answer_seconds", "Duration of the last health query.", registry=registry
        )
        self._in_use = Gauge(
            "sentinel_database_connections_in_use", "Connections in use, by pool.", ["pool"], registry=registry
        )
        self._limit = Gauge(
            "sentinel_database_connections_limit",
            "Maximum number of connections, by pool.",
            ["pool"],
            registry=registry,
        )

    def answered(self, took_us: int) -> None:
        """Record a successful health query and its duration in microseconds."""
        self.is_up = True
        self._up.set(1)
        self._answer.set(took_us / SECOND_US)

    def failed(self) -> None:
        """Record a failed health query."""
        self.is_up = False
        self._up.set(0)

    def watch_pool(self, name: str, in_use: Callable[[], int], most: int) -> None:
        """Expose the usage of a connection pool.

        Args:
            name: the value of the label `pool`.
            in_use: returns the number of connections in use; called from any thread.
            most: the maximum number of connections.
        """
        self._in_use.labels(name).set_function(in_use)
        self._limit.labels(name).set(most)


class ProcessMetrics:
    """The metrics of every process.

    Args:
        service: auth, monitor or worker.

    Attributes:
        registry: the registry that /metrics shows; a service adds its own metrics to it.
        calls: the metrics of gRPC calls.
        database: the metrics of the database.
    """

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        build = Gauge(
            "sentinel_build_info",
            "Always 1; the labels name the service and its version.",
            ["service", "version"],
            registry=self.registry,
        )
        build.labels(service, VERSION).set(1)
        self.calls = Calls()
        self.registry.register(self.calls)
        self.database = DatabaseHealth(self.registry)
        # Collectors of the library: CPU, memory, open files, start time; Python version; garbage collector.
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)


def _labels(method: str, streams: bool) -> tuple[str, str, str]:  # noqa: FBT001 — part of a key, not a switch
    service, _, name = method.strip("/").partition("/")
    return "server_stream" if streams else "unary", service, name
