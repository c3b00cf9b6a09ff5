"""Servers on loopback with the behaviour of the rows' targets."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from dnslib import QTYPE, RCODE, RR, A, DNSRecord

from tests.integration.real_world.identity import chain, issuer, server_context, trusted
from tests.integration.real_world.row import Row
from tests.integration.real_world.servers import End, Http, NameServer, Tcp
from tests.support.ports import closed_port, udp_and_tcp
from tests.support.targets import reset

_LOOPBACK = "127.0.0.1"
_closed_port = cache(closed_port)  # one for all rows
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@dataclass(slots=True)
class Place:
    """The addresses of a row's servers.

    Attributes:
        values: the values of the placeholders such as $PORT.
        name_servers: address and port of each of the row's name servers; empty for the one that all rows share.
    """

    values: dict[str, str] = field(default_factory=dict)
    name_servers: list[str] = field(default_factory=list)

    def fill(self, text: str) -> str:
        """Replace the placeholders in a text."""
        if "$" in text:
            for name, value in self.values.items():
                text = text.replace(name, value)
        return text

    def fill_bytes(self, data: bytes) -> bytes:
        """Replace the placeholders of ports in bytes."""
        if b"$" in data:
            for name, value in self.values.items():
                if name.endswith("PORT"):
                    data = data.replace(name.encode(), value.encode())
        return data


@asynccontextmanager
async def serving(row: Row) -> AsyncIterator[Place]:
    """Run the servers of a row inside the block."""
    async with AsyncExitStack() as stack:
        place = Place()
        place.values["$CLOSED_PORT"] = str(_closed_port())
        target = row.target
        if isinstance(target, Http | Tcp):
            if target.certificate is not None:
                place.values["$LEAF"] = chain(target.certificate)[1].decode()
            await _serve(target, place, stack)
        elif isinstance(target, NameServer):
            place.values["$PORT"] = str(await stack.enter_async_context(naming(target)))
        place.values["$ROOT"] = trusted()
        place.values["$INTERMEDIATE"] = issuer("intermediate").pem.decode()
        for each in row.names:
            port = _closed_port() if each.gone else await stack.enter_async_context(naming(each))
            place.name_servers.append(f"{_LOOPBACK}:{port}")
        yield place


async def _serve(target: Http | Tcp, place: Place, stack: AsyncExitStack) -> None:
    if isinstance(target, Tcp):
        handler = _TcpServer(target, place)
        place.values["$PORT"] = str(await stack.enter_async_context(_listening(handler)))
        return
    pages = _HttpServer(target, place)
    if target.certificate is not None:
        context = server_context(
            target.certificate,
            lowest=target.lowest,
            highest=target.highest,
            ciphers=target.ciphers,
            asks=target.asks,
        )
        place.values["$SECURE_PORT"] = str(await stack.enter_async_context(_listening(pages, context)))
    place.values["$PORT"] = str(await stack.enter_async_context(_listening(pages)))


@asynccontextmanager
async def _listening(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    context: ssl.SSLContext | None = None,
    sock: socket.socket | None = None,
) -> AsyncIterator[int]:
    """Listen on a new port, or on a given socket, inside the block; close all connections at its end."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)
        finally:
            tasks.discard(task)
            writer.transport.abort()

    where: dict[str, Any] = {"sock": sock} if sock else {"host": _LOOPBACK, "port": 0}
    server = await asyncio.start_server(handle, ssl=context, **where)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _HttpServer:
    """Responds to requests with the pages of a target."""

    def __init__(self, target: Http, place: Place) -> None:
        self._target = target
        self._place = place
        self._requests = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Respond to the single request of a connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        lines = (line.split(b":") for line in head.lower().split(b"\r\n"))
        length = next((int(line[1]) for line in lines if line[0] == b"content-length"), 0)
        request = head + await reader.readexactly(length)
        earlier, self._requests = self._requests, self._requests + 1
        page = next((each for each in self._target.pages if each.suits(request, earlier)), None)
        if page is None:
            await _write(writer, _NOT_FOUND)
            await _end("close", reader, writer)
            return
        for piece in (page.answer,) if isinstance(page.answer, bytes) else page.answer:
            await _write(writer, self._place.fill_bytes(piece))
        await _end(page.then, reader, writer)


class _TcpServer:
    """Executes the steps of a target."""

    def __init__(self, target: Tcp, place: Place) -> None:
        self._target = target
        self._place = place

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        for wanted, said in self._target.steps:
            if wanted:
                await reader.readuntil(wanted)
            await _write(writer, self._place.fill_bytes(said))
        if self._target.then == "tls":
            assert self._target.certificate is not None
            await writer.start_tls(server_context(self._target.certificate))
            await _end("keep", reader, writer)
        else:
            await _end(self._target.then, reader, writer)


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _end(end: End, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if end == "reset":
        reset(writer)
    elif end == "stall":
        await asyncio.Event().wait()
    elif end == "keep":
        while await reader.read(65_536):
            pass
    else:
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def naming(target: NameServer) -> AsyncIterator[int]:
    """Run a name server, by UDP and TCP, on a new port inside the block."""
    server = _NameServer(target)
    loop = asyncio.get_running_loop()
    for_udp, for_tcp = udp_and_tcp()
    async with _listening(server.by_tcp, sock=for_tcp) as port:
        udp, _ = await loop.create_datagram_endpoint(lambda: server, sock=for_udp)
        try:
            yield port
        finally:
            udp.close()
            server.close()


class _NameServer(asyncio.DatagramProtocol):
    """Responds to queries with the records of a target; without any, with 127.0.0.1 for all names in .test."""

    def __init__(self, target: NameServer) -> None:
        self._target = target
        self._records = [record for line in target.records for record in RR.fromZone(line)]
        self._questions = 0
        self._later: set[asyncio.TimerHandle] = set()

    def close(self) -> None:
        """Cancel delayed responses."""
        for each in self._later:
            each.cancel()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # a datagram's
        """Store the transport for responses."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Respond by UDP after the delay of the target."""
        self._questions += 1
        if self._questions <= self._target.silent_for:
            return
        reply = self._reply(data)
        if self._target.only_tcp:
            truncated = DNSRecord.parse(data).reply()
            truncated.header.tc = 1
            reply = bytes(truncated.pack())
        if self._target.delay_s:
            loop = asyncio.get_running_loop()
            self._later.add(loop.call_later(self._target.delay_s, self._transport.sendto, reply, addr))
        else:
            self._transport.sendto(reply, addr)

    async def by_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Respond by TCP until the client sends no more queries."""
        while True:
            length = int.from_bytes(await reader.readexactly(2), "big")
            reply = self._reply(await reader.readexactly(length))
            await _write(writer, len(reply).to_bytes(2, "big") + reply)

    def _reply(self, data: bytes) -> bytes:
        if self._target.raw:
            return data[:2] + self._target.raw
        question = DNSRecord.parse(data)
        reply = question.reply()
        if self._questions <= self._target.fails_for:
            reply.header.rcode = RCODE.SERVFAIL
        elif self._target.rcode != "NOERROR":
            reply.header.rcode = getattr(RCODE, self._target.rcode)
        elif not self._target.records:
            self._say_loopback(question, reply)
        else:
            self._say_records(question, reply)
        return bytes(reply.pack())

    def _say_loopback(self, question: DNSRecord, reply: DNSRecord) -> None:
        name = question.q.qname
        if not str(name).lower().endswith(".test."):
            reply.header.rcode = RCODE.NXDOMAIN
        elif question.q.qtype == QTYPE.A:
            reply.add_answer(RR(name, QTYPE.A, rdata=A(_LOOPBACK), ttl=60))

    def _say_records(self, question: DNSRecord, reply: DNSRecord) -> None:
        """Return the records of a name, including those of its aliases."""
        name, type_ = question.q.qname, question.q.qtype
        if not any(record.rname == name for record in self._records):
            reply.header.rcode = RCODE.NXDOMAIN
        seen: set[str] = set()
        while name is not None and str(name) not in seen:
            seen.add(str(name))
            found = [
                record for record in self._records if record.rname == name and record.rtype in {type_, QTYPE.CNAME}
            ]
            reply.add_answer(*found)
            name = next((each.rdata.label for each in found if each.rtype == QTYPE.CNAME != type_), None)
