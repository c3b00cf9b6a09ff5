"""Cheap targets with constant responses. `python -m bench.answers dns|grpc` prints its port."""

import asyncio
import socket
import struct
import sys
from typing import cast

import uvloop

from tests.support.http2 import GOOD
from tests.support.ports import LOOPBACK, bound

_BACKLOG = 4096
_HEADER = struct.Struct("!6H")
_QUESTION_END = 5
# A record of the name in the question, which follows the header.
_RECORD = struct.pack("!HHHIH4s", 0xC00C, 1, 1, 60, 4, bytes((192, 0, 2, 1)))


class _NameServer(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(0, _HEADER.size) + _QUESTION_END
        header = data[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0)
        self._transport.sendto(header + data[_HEADER.size : end] + _RECORD, addr)


class _HealthService(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, _data: bytes) -> None:
        self._transport.write(GOOD)
        self._transport.close()


async def main(kind: str) -> None:
    """Serve on a free port, and print the port once it listens."""
    loop = asyncio.get_running_loop()
    if kind == "dns":
        (own,) = bound((socket.SOCK_DGRAM, LOOPBACK))
        await loop.create_datagram_endpoint(_NameServer, sock=own)
    else:
        (own,) = bound((socket.SOCK_STREAM, LOOPBACK))
        await loop.create_server(_HealthService, sock=own, backlog=_BACKLOG)
    sys.stdout.write(f"{own.getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
