"""Real name servers whose zone or misbehaviour a test chooses."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import psutil
from dnslib import QTYPE, RCODE, RR, DNSRecord

from tests.support.name_server import NameServer

Misbehaviour = Callable[[bytes], Sequence[bytes]]
"""From a question's bytes to all that is sent for it."""


class Zone(NameServer):
    """Answers from records of a zone file, aliases with their targets; NXDOMAIN for other names.

    Args:
        records: lines such as "acme.test. 60 MX 10 mail.acme.test.".
        rcode: the response code to send instead of records.
        only_tcp: whether answers over UDP are empty and truncated.

    Attributes:
        seen: the questions, parsed, in order.
        by: "udp" or "tcp" for each.
    """

    def __init__(self, *records: str, rcode: str = "NOERROR", only_tcp: bool = False) -> None:
        super().__init__(lambda _, __: None, only_tcp=only_tcp)
        self.seen: list[Any] = []
        self._records = [record for line in records for record in RR.fromZone(line)]
        self._rcode = rcode

    def reply(self, data: bytes) -> bytes:
        """Return the answer to a question."""
        question = DNSRecord.parse(data)
        reply = question.reply()
        if str(question.q.qname) == ".":
            self.knocks += 1
            return bytes(reply.pack())
        self.seen.append(question)
        if self._rcode != "NOERROR":
            reply.header.rcode = getattr(RCODE, self._rcode)
            return bytes(reply.pack())
        name, wanted = question.q.qname, {question.q.qtype, QTYPE.CNAME}
        if not any(record.rname == name for record in self._records):
            reply.header.rcode = RCODE.NXDOMAIN
        while name is not None:
            found = [record for record in self._records if record.rname == name and record.rtype in wanted]
            reply.add_answer(*found)
            alias = next((each for each in found if each.rtype == QTYPE.CNAME != question.q.qtype), None)
            name = alias.rdata.label if alias else None
        return bytes(reply.pack())


class Rogue(NameServer):
    """Sends what the test chooses.

    Args:
        by_udp: to a question by UDP.
        by_tcp: to a question by TCP; the same when None. Each piece goes out behind its length.

    Attributes:
        gone: set once a connection by TCP has ended at its other end.
    """

    def __init__(self, by_udp: Misbehaviour, by_tcp: Misbehaviour | None = None) -> None:
        super().__init__(lambda _, __: None)
        self.gone = asyncio.Event()
        self._by_udp = by_udp
        self._by_tcp = by_tcp or by_udp

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Misbehave over UDP."""
        for piece in self._by_udp(data):
            self._transport.sendto(piece, addr)

    async def by_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Misbehave over TCP."""
        length = int.from_bytes(await reader.readexactly(2), "big")
        for piece in self._by_tcp(await reader.readexactly(length)):
            writer.write(len(piece).to_bytes(2, "big") + piece)
        await reader.read()
        self.gone.set()
        writer.transport.abort()


def long_names_in_few_bytes(question: bytes) -> list[bytes]:
    """Return records of 20 bytes for acme.test, whose names point at one of 120 labels."""
    here = 12 + len("acme.test") + 2 + 4
    pointer = bytes((0xC0, here))
    data = pointer * 2 + bytes(20)
    tail = b"\0\6\0\1\0\0\0\0" + len(data).to_bytes(2, "big") + data
    return [
        question[:2]
        + b"\x81\x80\0\1\0\xff\0\0\0\0"
        + question[12:here]
        + b"\1x" * 120
        + b"\0"
        + tail
        + (pointer + tail) * 254
    ]


def open_sockets() -> int:
    """Return how many sockets this process has open."""
    return len(psutil.Process().net_connections())
