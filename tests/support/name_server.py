"""A real name server over UDP and TCP, with answers chosen by the test."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from dnslib import AAAA, QTYPE, RCODE, RR, A, DNSRecord

from tests.support.connections import ending_with_the_block
from tests.support.ports import udp_and_tcp

Answers = Callable[[str, str], "list[tuple[str, int]] | None"]
"""From a name and a type (A, AAAA) to addresses with their TTLs in seconds; None says that there is no such name."""


class NameServer(asyncio.DatagramProtocol):
    """A name server over UDP and TCP.

    Args:
        answers: returns the answer for a name and a type.
        only_tcp: whether answers over UDP are empty and truncated.

    Attributes:
        questions: names and types in order, without those about the root, by which clients find out whether a silent
            server is alive.
        knocks: the number of health checks, which query the root.
    """

    def __init__(self, answers: Answers, *, only_tcp: bool = False) -> None:
        self.questions: list[tuple[str, str]] = []
        self.knocks = 0
        self._answers = answers
        self._only_tcp = only_tcp

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override] # a datagram's
        """Record the transport for answers."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a question over UDP."""
        reply = self.reply(data)
        if self._only_tcp:
            truncated = DNSRecord.parse(data).reply()
            truncated.header.tc = 1
            reply = truncated.pack()
        self._transport.sendto(reply, addr)

    async def by_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer questions over TCP until the client has no more."""
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                reply = self.reply(await reader.readexactly(length))
                writer.write(len(reply).to_bytes(2, "big") + reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def reply(self, data: bytes) -> bytes:
        """Return the answer to a question."""
        question = DNSRecord.parse(data)
        name, kind = str(question.q.qname).rstrip("."), QTYPE[question.q.qtype]
        reply = question.reply()
        if not name:
            self.knocks += 1
            return bytes(reply.pack())
        self.questions.append((name, kind))
        found = self._answers(name, kind)
        if found is None:
            reply.header.rcode = RCODE.NXDOMAIN
        for address, ttl in found or ():
            data_of = {"A": A, "AAAA": AAAA}[kind]
            reply.add_answer(RR(question.q.qname, question.q.qtype, rdata=data_of(address), ttl=ttl))
        return bytes(reply.pack())


@asynccontextmanager
async def serving(server: NameServer, sockets: tuple[socket.socket, socket.socket] | None = None) -> AsyncIterator[str]:
    """Serve on a free port, or on a UDP and a TCP socket of one port; yield host:port."""
    loop = asyncio.get_running_loop()
    for_udp, for_tcp = sockets or udp_and_tcp()
    port = for_udp.getsockname()[1]
    async with ending_with_the_block(server.by_tcp) as by_tcp:
        tcp = await asyncio.start_server(by_tcp, sock=for_tcp)
        udp, _ = await loop.create_datagram_endpoint(lambda: server, sock=for_udp)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            udp.close()
            tcp.close()
