"""What every process shows: each call once, by its method and how it ended; nothing that grows with who calls."""

import asyncio
import tomllib
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client import CollectorRegistry
from sentinel.auth.v1 import auth_service_pb2

from services.platform.address import Address
from services.platform.configuration.settings import SettingError, Settings
from services.platform.metrics.metrics_server import serve_metrics
from services.platform.metrics.process_metrics import Calls, DatabaseHealth, ProcessMetrics
from services.platform.rpc.interceptors.call import Call
from services.platform.rpc.interceptors.measure import Measure
from services.platform.rpc.rules import MethodRule
from services.platform.version import VERSION
from tests.support.ports import free_port
from tests.support.scraped import collected, labels_of, scraped, value

LOGIN = {"grpc_type": "unary", "grpc_service": "sentinel.auth.v1.AuthService", "grpc_method": "Login"}


class Context:
    """Ended as requested."""

    def __init__(self, code: object) -> None:
        self._code = code

    def code(self) -> object:
        """As grpc.aio answers it."""
        return self._code


def call(code: object, *, streams: bool = False) -> Call:
    context: Any = Context(code)
    rule = MethodRule(method="/sentinel.auth.v1.AuthService/Login", public=True, role=None, streams=streams)
    return Call(rule=rule, request=auth_service_pb2.LoginRequest(), context=context, metadata={})


async def passed(_call: Call) -> None:
    """The next interceptor."""


async def gone(_call: Call) -> None:
    """The next interceptor, whose client disconnected."""
    raise asyncio.CancelledError


async def test_each_call_is_counted_by_how_it_ended() -> None:
    calls = Calls()
    measure = Measure(calls)
    for code in (None, None, 7, grpc.StatusCode.UNAVAILABLE):  # as grpc.aio says OK, abort() and what a handler set
        await measure(call(code), passed)
    with pytest.raises(asyncio.CancelledError):
        await measure(call(None, streams=True), gone)

    samples = collected(calls)
    ended = {"OK": 2, "PERMISSION_DENIED": 1, "UNAVAILABLE": 1}
    for name, count in ended.items():
        assert value(samples, "grpc_server_handled_total", **LOGIN, grpc_code=name) == count
    assert value(samples, "grpc_server_handling_seconds_count", **LOGIN) == 4
    streamed = {**LOGIN, "grpc_type": "server_stream"}
    assert value(samples, "grpc_server_handled_total", **streamed, grpc_code="CANCELLED") == 1


def test_a_calls_time_falls_into_its_bucket() -> None:
    calls = Calls()
    for took_us in (1_000, 1_001, 60_000_000):
        calls.ended("/sentinel.auth.v1.AuthService/Login", "OK", took_us, streams=False)

    samples = collected(calls)
    buckets = {"0.001": 1, "0.0025": 2, "10.0": 2, "+Inf": 3}
    for bound, count in buckets.items():
        assert value(samples, "grpc_server_handling_seconds_bucket", **LOGIN, le=bound) == count
    assert value(samples, "grpc_server_handling_seconds_sum", **LOGIN) == pytest.approx(60.002001)


def test_the_database_is_down_until_it_answers_and_its_pools_are_shown() -> None:
    registry = CollectorRegistry()
    health = DatabaseHealth(registry)
    assert value(collected(registry), "sentinel_database_up") == 0
    health.watch_pool("requests", lambda: 3, 8)
    health.answered(2_500)

    samples = collected(registry)
    assert value(samples, "sentinel_database_up") == 1
    assert value(samples, "sentinel_database_answer_seconds") == 0.0025
    assert value(samples, "sentinel_database_connections_in_use", pool="requests") == 3
    assert value(samples, "sentinel_database_connections_limit", pool="requests") == 8
    health.failed()
    assert value(collected(registry), "sentinel_database_up") == 0


async def test_a_process_serves_its_figures_over_http_for_as_long_as_it_runs() -> None:
    metrics, address = ProcessMetrics("auth"), Address("127.0.0.1", free_port())
    async with serve_metrics(address, metrics.registry, lambda: ("200 OK", b"")):
        samples = await asyncio.to_thread(scraped, str(address))
        with pytest.raises(SystemExit, match="cannot serve metrics on 127"):
            async with serve_metrics(address, metrics.registry, lambda: ("200 OK", b"")):
                pass
    assert list(labels_of(samples, "sentinel_build_info")) == [{"service": "auth", "version": VERSION}]
    assert value(samples, "process_open_fds") > 0
    with pytest.raises(OSError, match="refused"):
        await asyncio.to_thread(scraped, str(address))


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    assert project["project"]["version"] == VERSION


@pytest.mark.parametrize(
    ("text", "address"),
    [("", None), ("127.0.0.1:9100", Address("127.0.0.1", 9100)), ("[::1]:65535", Address("::1", 65535))],
)
def test_where_to_serve_metrics_is_read(text: str, address: Address | None) -> None:
    settings = Settings.of_service(
        {
            "SENTINEL_DATABASE_URL": "postgresql://db/sentinel",
            "SENTINEL_LISTEN": "127.0.0.1:1",
            "SENTINEL_METRICS_LISTEN": text,
        }
    )
    assert settings.metrics_listen == address
    if address is not None:
        assert str(address) == text


@pytest.mark.parametrize("text", ["9100", ":9100", "::1:9100", "host:", "host:0", "host:65536", "host:x", "host:²"])
def test_a_wrong_place_for_metrics_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match="SENTINEL_METRICS_LISTEN"):
        Settings.of_service(
            {
                "SENTINEL_DATABASE_URL": "postgresql://db/sentinel",
                "SENTINEL_LISTEN": "127.0.0.1:1",
                "SENTINEL_METRICS_LISTEN": text,
            }
        )
