"""Many readers of services in one process. `python -m bench.watchers HOST:PORT READERS`.

It reads a line with an access token, opens so many streams, and prints how long it took until all had all services. On
the next line all disconnect and resume with their cursors, for which it prints the same. On the next one it prints the
delays of changes: a service whose name is a time in nanoseconds was changed then.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any

import grpc
import uvloop
from sentinel.monitor.v1 import monitor_service_pb2 as pb

_METHOD = "/sentinel.monitor.v1.MonitorService/WatchServices"
# Envoy lets one connection have 256 streams.
_STREAMS_EACH = 200


class Watcher:
    """One stream.

    Attributes:
        complete: set when the snapshot is complete.
        received: the number of services that were received.
        late_ms: the delays of changes in milliseconds.
    """

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._watch: Any = channel.unary_stream(
            _METHOD,
            request_serializer=pb.WatchServicesRequest.SerializeToString,
            response_deserializer=pb.WatchServicesResponse.FromString,
        )
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._cursor = ""
        self.complete = asyncio.Event()
        self.received = 0
        self.late_ms: list[float] = []

    async def run(self) -> None:
        """Read until cancelled, resuming from the last cursor."""
        async for event in self._watch(pb.WatchServicesRequest(cursor=self._cursor), metadata=self._metadata):
            said = getattr(event, event.WhichOneof("event"))
            self._cursor = said.cursor or self._cursor
            if event.HasField("complete"):
                self.complete.set()
            elif event.HasField("service"):
                self.received += 1
                name = event.service.service.name
                if self.complete.is_set() and name.isdecimal():
                    self.late_ms.append((time.time_ns() - int(name)) / 1e6)


async def main(address: str, readers: int) -> None:
    """Read, and print the measurements."""
    loop = asyncio.get_running_loop()
    token = (await loop.run_in_executor(None, sys.stdin.readline)).strip()
    channels = [
        # A separate pool, because otherwise all channels share one connection.
        grpc.aio.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
        for _ in range(0, readers, _STREAMS_EACH)
    ]
    watchers = [Watcher(channels[number // _STREAMS_EACH], token) for number in range(readers)]
    tasks = await _begin(watchers)
    await loop.run_in_executor(None, sys.stdin.readline)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks = await _begin(watchers)
    await loop.run_in_executor(None, sys.stdin.readline)
    late_ms = sorted(each for watcher in watchers for each in watcher.late_ms)
    _say({"changes": len(late_ms), "p50": late_ms[len(late_ms) // 2], "p99": late_ms[int(len(late_ms) * 0.99)]})
    for task in tasks:
        task.cancel()


async def _begin(watchers: Sequence[Watcher]) -> list[asyncio.Task[None]]:
    begun = time.monotonic()
    for watcher in watchers:
        watcher.complete.clear()
        watcher.received = 0
    tasks = [asyncio.create_task(watcher.run()) for watcher in watchers]
    for watcher in watchers:
        await watcher.complete.wait()
    _say({"took_s": time.monotonic() - begun, "received": sum(watcher.received for watcher in watchers)})
    return tasks


def _say(what: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
