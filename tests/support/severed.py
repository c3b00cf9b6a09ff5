"""A connection to PostgreSQL that breaks at a given statement, as if either end were killed there.

It stands between a driver and the server, and counts what the driver asks: each time it waits for an answer. At the one
that is told it either lets the question be lost, or the answer to what was done: a COMMIT whose answer is lost counts.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

_ASKS = b"QS"  # Query and Sync: the server answers all that came before, and is ready for the next
_READY = b"Z\x00\x00\x00\x05"
_SOCKET = ".s.PGSQL.5432"


class Severed:
    """A proxy of a database that breaks once.

    Args:
        url: the database's, over a Unix socket.
        folder: where to listen, with a short path.
        at: which question it breaks at, from 1.
        answered: whether the server gets it, and only its answer is lost.
        broken: what is done meanwhile, before the driver knows; nothing if None.

    Attributes:
        url: this way to the database.
        asked: how often the driver has asked so far.
    """

    def __init__(
        self,
        url: str,
        folder: Path,
        at: int,
        *,
        answered: bool = False,
        broken: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        host = parse_qs(urlsplit(url).query)["host"][0]
        self._server = Path(host) / _SOCKET
        self._folder = folder
        self._at = at
        self._answered = answered
        self._broken = broken
        self._work: set[asyncio.Task[None]] = set()
        self.url = url.replace(host, str(folder))
        self.asked = 0

    def cut(self) -> bool:
        """Whether it has come to break."""
        return self.asked >= self._at

    async def __aenter__(self) -> Self:
        self._folder.mkdir(exist_ok=True)
        self._listening = await asyncio.start_unix_server(self._serve, self._folder / _SOCKET)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()
        for each in self._work:
            each.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        (self._folder / _SOCKET).unlink(missing_ok=True)  # from Python 3.13 on the server has removed it itself

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("it runs in a task")
        self._work.add(task)
        try:
            answers, asks = await asyncio.open_unix_connection(self._server)
        except BaseException:
            writer.transport.abort()
            raise
        back = asyncio.create_task(_copy(answers, writer))
        try:
            (size,) = struct.unpack(">i", head := await reader.readexactly(4))
            asks.write(head + await reader.readexactly(size - 4))
            while True:
                kind, size = struct.unpack(">ci", head := await reader.readexactly(5))
                message = head + await reader.readexactly(size - 4)
                if kind in _ASKS and not self.cut():
                    self.asked += 1
                    if self.cut():
                        back.cancel()
                        await asyncio.gather(back, return_exceptions=True)
                        if self._answered:
                            asks.write(message)
                            await _ready(answers)
                        if self._broken is not None:
                            await self._broken()
                        return
                asks.write(message)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # either end has gone
        finally:
            back.cancel()
            for each in (writer, asks):
                each.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
    writer.transport.abort()


async def _ready(reader: asyncio.StreamReader) -> None:
    """Read until the server has done all that it was asked."""
    got = b""
    while got[-6:-1] != _READY:
        data = await reader.read(1 << 16)
        if not data:
            return
        got = got[-6:] + data
