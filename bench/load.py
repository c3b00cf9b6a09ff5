"""A load generator that costs little: HTTP/1.1 requests made beforehand, over connections that stay open.

Raw asyncio streams, since a full client would take more of the machine than what it measures.
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
    """What some requests came to.

    Attributes:
        seconds: how long all took.
        latencies_s: of each, ascending.
    """

    seconds: float
    latencies_s: Sequence[float]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of the requests stays within."""
        return self.latencies_s[max(0, math.ceil(share * len(self.latencies_s)) - 1)] * 1000


def request(method: str, url: str, token: str = "", body: object = None) -> bytes:
    """A request, ready to send."""
    target = urlsplit(url)
    content = b"" if body is None else json.dumps(body).encode()
    path = target.path + (f"?{target.query}" if target.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"host: {target.netloc}", f"content-length: {len(content)}"]
    lines += ["content-type: application/json"] if content else []
    lines += [f"authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, "", ""]).encode() + content


class Connection:
    """One connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def send(self, message: bytes) -> int:
        """Send a request, read its answer; the status."""
        self._writer.write(message)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().find(b"content-length:")
        await self._reader.readexactly(int(head[length + 15 : head.index(b"\r", length)]) if length > 0 else 0)
        return int(head[9:12])

    async def timed(self, message: bytes, expected: int = 200) -> float:
        """How many seconds a request took, whose status is as expected."""
        begun = time.perf_counter()
        status = await self.send(message)
        if status != expected:
            raise AssertionError(f"answered {status}")
        return time.perf_counter() - begun


async def flat_out(port: int, messages: Sequence[bytes], connections: int, seconds: float) -> Load:
    """As many as go, one message after the other, each connection sending the next when it has its answer."""
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
    """At a rate that does not wait for answers: latency counts from when a request was due."""
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
