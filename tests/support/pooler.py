"""A stand-in for poolers and proxies of PostgreSQL: it forwards connections, with their typical changes."""

import asyncio
import struct
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.support.connections import ending_with_the_block

_KEY_DATA, _NOTIFICATION, _PORT = b"K", b"A", 5432


@dataclass(slots=True, kw_only=True)
class Pooler:
    """A pooler with its behaviour.

    Attributes:
        url: the database.
        drops_roles: it drops the startup parameter `role` where it has one of these values.
        own_process_ids: it announces process ids of its own, as poolers do, for cancelling.
        drops_notifications: none reaches a client, as in transaction mode.
        connections: how many were begun.
    """

    url: str
    drops_roles: Collection[str] = ()
    own_process_ids: bool = False
    drops_notifications: bool = False
    connections: int = field(default=0, init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Yield the URL to connect to, while the block runs."""
        async with ending_with_the_block(self._serve) as serve:
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            port, database = server.sockets[0].getsockname()[1], urlsplit(self.url)
            try:
                yield f"postgresql://{database.username or 'postgres'}@127.0.0.1:{port}{database.path}?sslmode=disable"
            finally:
                server.close()

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.connections += 1
        (folder,) = parse_qs(urlsplit(self.url).query)["host"]
        from_server, to_server = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{_PORT}")
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                (length,) = struct.unpack(">I", await from_client.readexactly(4))
                to_server.write(self._startup(await from_client.readexactly(length - 4)))
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pass_on(from_client, to_server))
                    group.create_task(self._answers(from_server, to_client))
        finally:
            to_server.close()
            to_client.close()

    def _startup(self, body: bytes) -> bytes:
        words = body[4:].rstrip(b"\0").split(b"\0")
        parameters = dict(zip(words[::2], words[1::2], strict=True))
        if parameters.get(b"role", b"").decode() in self.drops_roles:
            del parameters[b"role"]
        passed = body[:4] + b"".join(name + b"\0" + value + b"\0" for name, value in parameters.items()) + b"\0"
        return struct.pack(">I", len(passed) + 4) + passed

    async def _answers(self, from_server: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, length = struct.unpack(">cI", await from_server.readexactly(5))
                body = await from_server.readexactly(length - 4)
                if kind == _KEY_DATA and self.own_process_ids:
                    body = struct.pack(">I", 2**31 - 1) + body[4:]
                if kind != _NOTIFICATION or not self.drops_notifications:
                    to_client.write(struct.pack(">cI", kind, length) + body)
        to_client.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()
