"""What an operator sees of every process, whatever it does: its calls, its way to the database, itself.

Labels have few values, all known beforehand: methods of the contract and status codes, never a tenant, a user, an
address or a path.
"""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import Metric

from services.platform.metrics.distribution import Distribution
from services.platform.metrics.exposition import counter, gauge, seconds
from services.platform.version import VERSION

_CALL_US = (
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
)  # fmt: skip
_CALL_LABELS = ("grpc_type", "grpc_service", "grpc_method")


class Calls:
    """Counts and times calls; the names are those that gRPC servers of other languages use (go-grpc-middleware)."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, bool, str], int] = {}
        self._took: dict[tuple[str, bool], Distribution] = {}

    def ended(self, method: str, code: str, took_us: int, *, streams: bool) -> None:
        """Count a call.

        Args:
            method: as gRPC names it; one of the contract's.
            code: the name of its status.
            took_us: from its first link to its end.
            streams: whether it answers with a stream.
        """
        kind = (method, streams)
        key = (method, streams, code)
        self._ended[key] = self._ended.get(key, 0) + 1
        took = self._took.get(kind)
        if took is None:
            took = self._took[kind] = Distribution(_CALL_US)
        took.add(took_us)

    def collect(self) -> Iterator[Metric]:
        """As Prometheus takes it."""
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
    """Whether the database answers, and how the pools of connections are used."""

    def __init__(self) -> None:
        self._up = False
        self._answer_us = 0
        self._pools: dict[str, tuple[Callable[[], int], int]] = {}

    def answered(self, took_us: int) -> None:
        """It answered what health asks."""
        self._up, self._answer_us = True, took_us

    def failed(self) -> None:
        """It did not."""
        self._up = False

    @property
    def is_up(self) -> bool:
        """Return whether the database answered the latest question."""
        return self._up

    def watch_pool(self, name: str, in_use: Callable[[], int], most: int) -> None:
        """Show a pool.

        Args:
            name: what it is for.
            in_use: how many of its connections somebody holds; may be asked from any thread.
            most: how many it may have.
        """
        self._pools[name] = (in_use, most)

    def collect(self) -> Iterator[Metric]:
        """As Prometheus takes it."""
        pools = self._pools.copy()
        yield gauge(
            "sentinel_database_up",
            "1 if the last health query of the database succeeded, else 0.",
            (),
            {(): float(self._up)},
        )
        yield gauge(
            "sentinel_database_answer_seconds",
            "Duration of the last health query.",
            (),
            {(): self._answer_us / 1e6},
        )
        yield gauge(
            "sentinel_database_connections_in_use",
            "Connections in use, by pool.",
            ("pool",),
            {(name,): in_use() for name, (in_use, _) in pools.items()},
        )
        yield gauge(
            "sentinel_database_connections_limit",
            "Maximum number of connections, by pool.",
            ("pool",),
            {(name,): most for name, (_, most) in pools.items()},
        )


class ProcessMetrics:
    """All that every process shows.

    Args:
        service: what it is: auth, monitor or worker.

    Attributes:
        registry: where a service adds what is its own.
        calls: told of each call.
        database: told of the database.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self.registry = CollectorRegistry()
        self.calls = Calls()
        self.database = DatabaseHealth()
        for collector in (self, self.calls, self.database):
            self.registry.register(collector)
        # The library's own: CPU, memory, open files, start; the version of Python; its garbage collector.
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def collect(self) -> Iterator[Metric]:
        """As Prometheus takes it."""
        about: Mapping[tuple[str, ...], float] = {(self._service, VERSION): 1.0}
        yield gauge(
            "sentinel_build_info",
            "Always 1; the labels name the service and its version.",
            ("service", "version"),
            about,
        )


def _labels(method: str, streams: bool) -> tuple[str, str, str]:  # noqa: FBT001 — half of a key, not a switch
    service, _, name = method.strip("/").partition("/")
    return "server_stream" if streams else "unary", service, name
