"""/readyz of a process, and what it says about file descriptors."""

import asyncio
import errno
import json
import os
import resource
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from services.platform.address import Address
from services.platform.file_descriptors import DescriptorWatch
from services.platform.file_limit import limit, raise_limit, shortage
from services.platform.metrics import metrics_server
from services.platform.metrics.metrics_server import serve_metrics
from services.platform.rpc.readiness import Readiness
from tests.support.ports import free_port


@pytest.fixture
def few_files() -> Iterator[None]:
    """A process that may open a few files less than before, and could open as many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard - 1, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def asked(address: Address, path: str, method: str = "GET") -> tuple[int, bytes]:
    """The status and the body of a call."""
    request = urllib.request.Request(f"http://{address}{path}", method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 — http, as written above
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_readyz_is_served_beside_the_metrics_and_nothing_else_is(host: str) -> None:
    address = Address(host, free_port())
    ready = [False]
    readiness = Readiness(lambda: ready[0], lambda: ["too few of something"])
    async with serve_metrics(address, CollectorRegistry(), readiness.answer):
        before = await asyncio.to_thread(asked, address, "/readyz")
        ready[0] = True
        after = await asyncio.to_thread(asked, address, "/readyz?verbose")
        head = await asyncio.to_thread(asked, address, "/readyz", "HEAD")
        metrics = await asyncio.to_thread(asked, address, "/metrics")
        other = await asyncio.to_thread(asked, address, "/v1/readyz")

    assert (before[0], json.loads(before[1])) == (503, {"ready": False, "warnings": ["too few of something"]})
    assert (after[0], json.loads(after[1])["ready"], head) == (200, True, (200, b""))
    assert (metrics[0], other[0]) == (200, 404)


def test_without_a_descriptor_for_a_connection_the_server_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("services.platform.metrics.metrics_server.time.sleep", slept.append)
    address = ("127.0.0.1", free_port())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with metrics_server._Server(address, metrics_server._Handler) as server, socket.create_connection(address):
        lowest_free = os.dup(0)
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            server.handle_request()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert slept == [1.0]


def test_the_limit_of_open_files_is_raised_as_far_as_it_may_be(few_files: None) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert limit() == hard - 1
    assert raise_limit() == limit() == hard


def test_too_few_file_descriptors_are_a_warning_with_need_and_actual(capsys: pytest.CaptureFixture[str]) -> None:
    watch = DescriptorWatch(limit() + 1)

    assert watch.warnings() == [shortage("this process", limit() + 1)]
    assert f"needs up to {limit() + 1} file descriptors, limit {limit()}; raise the limit" in watch.warnings()[0]
    assert "file descriptor limit too low" in capsys.readouterr().out
    assert DescriptorWatch(limit()).warnings() == []


def test_descriptors_that_run_out_are_logged_once_and_shown_until_they_suffice(
    capsys: pytest.CaptureFixture[str],
) -> None:
    used = [0]
    watch = DescriptorWatch(1, lambda: used[0])
    for used[0] in (10, limit() - 1, limit()):
        watch.check()
    shown = watch.warnings()
    used[0] = 10
    watch.check()

    assert shown == [f"this process uses {limit()} of {limit()} file descriptors; {shown[0].partition('; ')[2]}"]
    assert watch.warnings() == []
    log = capsys.readouterr().out
    assert (log.count("file descriptors nearly exhausted"), log.count("usage back to normal")) == (1, 1)


def test_descriptors_that_cannot_even_be_counted_have_run_out() -> None:
    def count() -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    watch = DescriptorWatch(1, count)
    watch.check()

    assert len(watch.warnings()) == 1
