"""A cheap load generator: HTTP/1.1 requests encoded beforehand, over connections that stay open.

Raw asyncio streams, because a full client would use more of the machine than what it measures.
"""

import asyncio
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Load:
    """The measurements of some requests.

    Attributes:
        seconds: the total duration.
        latencies_s: the latency of each, ascending.
    """

    seconds: float
    latencies_s: Sequence[float]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """Return the latency percentile for a share, in milliseconds."""
        return self.latencies_s[max(0, math.ceil(share * len(self.latencies_s)) - 1)] * 1000


def request(method: str, url: str, token: str = "", body: object = None) -> bytes:
    """Return an encoded request."""
    target = urlsplit(url)
    content = b"" if body is None else json.dumps(body).encode()
    path = target.path + (f"?{target.query}" if target.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"host: {target.netloc}", f"content-length: {len(content)}"]
    lines += ["content-type: application/json"] if content else []
    lines += [f"authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, "", ""]).encode() + content


class Connection:
    """A connection with one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def send(self, message: bytes) -> int:
        """Send a request and read its response; return the status."""
        self._writer.write(message)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().find(b"content-length:")
        await self._reader.readexactly(int(head[length + 15 : head.index(b"\r", length)]) if length > 0 else 0)
        return int(head[9:12])

    async def timed(self, message: bytes, expected: int = 200) -> float:
        """Send a request that must have the expected status; return its duration in seconds."""
        begun = time.perf_counter()
        status = await self.send(message)
        if status != expected:
            raise AssertionError(f"answered {status}")
        return time.perf_counter() - begun


async def flat_out(port: int, messages: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Send messages in turn, as many as possible; each connection sends the next one after its response."""
    turn = cycle(messages)
    begun = time.perf_counter()
    end = begun + seconds
    latencies: list[float] = []

    async def one() -> None:
        async with Connection(port) as connection:
            while time.perf_counter() < end:
                latencies.append(await connection.timed(next(turn)))

    await asyncio.gather(*(one() for _ in range(connections)))
    return Load(time.perf_counter() - begun, sorted(latencies))


async def paced(port: int, message: bytes, per_second: int, seconds: float) -> Load:
    """Send at a fixed rate without waiting for responses; latency counts from when a request was due."""
    begun = time.perf_counter()
    latencies: list[float] = []
    idle: list[Connection] = []

    async def one(due: float) -> None:
        connection = idle.pop() if idle else await Connection(port).__aenter__()
        await connection.timed(message)
        latencies.append(time.perf_counter() - due)
        idle.append(connection)

    sending = set()
    for number in range(int(per_second * seconds)):
        due = begun + number / per_second
        await asyncio.sleep(due - time.perf_counter())
        sending.add(asyncio.create_task(one(due)))
    await asyncio.gather(*sending)
    for connection in idle:
        await connection.__aexit__()
    return Load(time.perf_counter() - begun, sorted(latencies))
