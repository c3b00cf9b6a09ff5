"""Heartbeat signals through Envoy: the rate, and the time until a signal is recorded."""

import asyncio
import random
import time
from itertools import cycle
from pathlib import Path

from bench.load import Connection, Load, request
from bench.report import Line, at_least, at_most, figure
from tests.support.stack import Stack, Team

JOBS = 500
CONNECTIONS = 16
FLAT_OUT_S = 8.0


def measure(folder: Path) -> list[Line]:
    """Measure the rate and the latency."""
    stack = Stack(data_dir=folder / "heartbeat")
    stack.start()
    try:
        with Team(stack) as team:
            service = team.service()
            tokens = [team.heartbeat(service, interval="86400s")[1] for _ in range(JOBS)]
        return asyncio.run(_measure(stack, tokens))
    finally:
        stack.stop()


async def _measure(stack: Stack, tokens: list[str]) -> list[Line]:
    signals = [request("POST", f"http://{stack.address}/heartbeat/{token}") for token in tokens]
    random.Random(1).shuffle(signals)  # noqa: S311 — an order, not a secret
    busy = await _flat_out(stack.port, signals)
    return [
        at_least(f"signals of {JOBS} jobs through Envoy, {CONNECTIONS} connections", busy.rate, "/s", 1_500),
        at_most("their latency p99, until committed", busy.percentile_ms(0.99), "ms", 30),
        figure("their latency p50", busy.percentile_ms(0.5), "ms"),
    ]


async def _flat_out(port: int, signals: list[bytes]) -> Load:
    """Send signals on each connection one after another; at most as many per job as its limit allows."""
    begun = time.perf_counter()
    end = begun + FLAT_OUT_S
    latencies: list[float] = []

    async def one(mine: list[bytes]) -> None:
        async with Connection(port) as connection:
            for signal in cycle(mine):
                if time.perf_counter() >= end:
                    return
                latencies.append(await connection.timed(signal))

    await asyncio.gather(*(one(signals[number::CONNECTIONS]) for number in range(CONNECTIONS)))
    return Load(time.perf_counter() - begun, sorted(latencies))
