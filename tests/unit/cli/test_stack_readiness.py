"""/readyz of a stack: each process by its own word."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from prometheus_client import CollectorRegistry

from cli.stack_readiness import StackReadiness
from services.platform.address import Address
from services.platform.metrics.metrics_server import serve_metrics
from services.platform.rpc.readiness import Readiness
from tests.support.ports import free_port


@pytest.fixture
async def process() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Start a process that sends a given response; return its address."""
    async with AsyncExitStack() as running:

        async def start(*, ready: bool = True, warnings: tuple[str, ...] = ()) -> str:
            address = Address("127.0.0.1", free_port())
            readiness = Readiness(lambda: ready, lambda: list(warnings))
            await running.enter_async_context(serve_metrics(address, CollectorRegistry(), readiness.answer))
            return str(address)

        yield start


async def test_a_stack_is_ready_with_one_worker_of_two_and_shows_every_warning(
    process: Callable[..., Awaitable[str]],
) -> None:
    processes = {
        "auth": await process(),
        "monitor": await process(warnings=("too few of something",)),
        "worker-0": f"127.0.0.1:{free_port()}",
        "worker-1": await process(),
    }
    status, body = StackReadiness(processes, ["the door has too few"]).answer()

    assert (status, json.loads(body)) == (
        "200 OK",
        {
            "ready": True,
            "processes": {
                "auth": {"ready": True, "warnings": []},
                "monitor": {"ready": True, "warnings": ["too few of something"]},
                "worker-0": {"ready": False, "warnings": []},
                "worker-1": {"ready": True, "warnings": []},
                "envoy": {"ready": True, "warnings": ["the door has too few"]},
            },
        },
    )


async def test_a_stack_without_one_of_its_kinds_of_process_is_not_ready(process: Callable[..., Awaitable[str]]) -> None:
    processes = {"auth": await process(), "monitor": await process(ready=False)}
    status, body = StackReadiness(processes, []).answer()

    assert (status, json.loads(body)["ready"]) == ("503 Service Unavailable", False)


async def test_processes_are_asked_once_a_second_however_many_ask() -> None:
    now, asked = [0.0], [0]
    address = Address("127.0.0.1", free_port())

    def answer() -> tuple[str, bytes]:
        asked[0] += 1
        return "200 OK", b'{"ready": true, "warnings": []}'

    async with serve_metrics(address, CollectorRegistry(), answer):
        readiness = StackReadiness({"auth": str(address)}, [], lambda: now[0])
        answers = {readiness.answer() for _ in range(5)}
        once = asked[0]
        now[0] = 1.0
        readiness.answer()

    assert (len(answers), once, asked[0]) == (1, 1, 2)
