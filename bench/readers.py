"""Many readers of the results stream in one process. `python -m bench.readers HOST:PORT`.

It reads a line of access tokens, opens a stream with each, and prints a line when all have a response. Then it reads a
line with the start and the end of a window, and prints what was received of it. Messages are stored unparsed until
then, so that readers cost as little as possible for a client of grpc.
"""

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import grpc
import uvloop
from sentinel.probe.v1 import probe_service_pb2 as pb

_METHOD = "/sentinel.probe.v1.ProbeService/StreamResults"
# Envoy lets one connection have 256 streams.
_STREAMS_EACH = 200


class Reader:
    """One stream."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        method: Any = channel.unary_stream(
            _METHOD
        )  # without serializers it takes and returns bytes, which its type denies
        self._call = method(b"", metadata=(("authorization", f"Bearer {token}"),))
        self.answered = asyncio.Event()
        self.arrived: list[tuple[int, bytes]] = []

    async def run(self) -> None:
        """Read until cancelled."""
        async for message in self._call:
            self.arrived.append((time.time_ns(), message))
            self.answered.set()


async def main(address: str) -> None:
    """Read, and print what was received."""
    loop = asyncio.get_running_loop()
    tokens = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    channels = [
        # A separate pool, because otherwise all channels share one connection.
        grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
        for _ in range(0, len(tokens), _STREAMS_EACH)
    ]
    readers = [Reader(channels[number // _STREAMS_EACH], token) for number, token in enumerate(tokens)]
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    for reader in readers:
        await reader.answered.wait()
    _say("")
    start, end = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    seen = _seen(readers, start, end)
    for task in tasks:
        task.cancel()
    _say(json.dumps(seen))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _seen(readers: Sequence[Reader], start: float, end: float) -> dict[str, float]:
    """Return the results of a window of slots: the number, duplicates, those of other tenants, and delays in ms."""
    delays: list[float] = []
    times: defaultdict[tuple[str, int], int] = defaultdict(int)
    owners: dict[str, int] = {}
    wrong = 0
    for number, reader in enumerate(readers):
        for arrived_ns, message in reader.arrived:
            event = pb.StreamResultsResponse.FromString(message)
            result = event.result.result
            slot_ns = result.slot_time.ToNanoseconds()
            if not event.HasField("result") or not start <= slot_ns / 1e9 < end:
                continue
            times[result.check_id, slot_ns] += 1
            wrong += owners.setdefault(result.service_id, number) != number
            ended_ns = result.start_time.ToNanoseconds() + result.total.ToNanoseconds()
            delays.append((arrived_ns - ended_ns) / 1e6)
    delays.sort()
    return {
        "cpu": time.process_time(),
        "results": len(times),
        "wrong": wrong + sum(count - 1 for count in times.values()),
        "p50": delays[len(delays) // 2],
        "p99": delays[int(len(delays) * 0.99)],
        "max": delays[-1],
    }


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
