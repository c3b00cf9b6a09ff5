"""A DNS query over UDP, with retransmission to one server after the other until one responds.

Each server has its own connected socket. The kernel chooses a random port and drops datagrams from other addresses, so
a forged response has to match both the port and the id of the query.

dnspython's asynchronous query is not used; docs/adr/0043 has the measurements.
"""

import asyncio
import secrets
import socket
import time
from collections.abc import Sequence
from typing import NamedTuple

import dns.rcode

from services.checks.outcome import ErrorKind
from services.wire.dial import combined_error
from services.wire.dns_question import Question, Reply
from services.wire.name_servers import Server, opened_to
from services.wire.probe_failure import ProbeFailure

_LARGEST = 65_535
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 8.0
# A server that sends more responses that match no query is not a DNS server.
_MOST_STRANGE = 64
# After these response codes the next server is tried, because it may have an answer.
_FOR_THE_NEXT = frozenset({dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED})


class UdpResponse(NamedTuple):
    """A reply and how it was received.

    Attributes:
        reply: the reply.
        server: the server that sent it.
        edns: whether the server supports EDNS.
        elapsed_us: the time since the first query to that server, in microseconds.
    """

    reply: Reply
    server: Server
    edns: bool
    elapsed_us: int


class _Open(NamedTuple):
    socket: socket.socket
    asked_ns: int


class UdpQuery:
    """A DNS query in progress.

    Args:
        question: the question.
        servers: the servers, in the order to try them; at least one.
    """

    __slots__ = ("_edns", "_loop", "_news", "_number", "_open", "_question", "_refusals", "_servers", "_strange")

    def __init__(self, question: Question, servers: Sequence[Server]) -> None:
        self._loop = asyncio.get_running_loop()
        self._question = question
        self._servers = list(servers)
        self._number = secrets.randbits(16)
        self._edns = True
        self._open: dict[Server, _Open] = {}
        self._refusals: list[tuple[str, OSError]] = []
        self._strange = 0
        # The result is a server and its reply, or None after an unreachable server was removed from the list.
        self._news: asyncio.Future[tuple[Server, Reply] | None] = self._loop.create_future()

    async def answer(self) -> UdpResponse:
        """Send the query until a server responds. The caller has to call `close` afterwards.

        Raises:
            ProbeFailure: no server is reachable, or a response is invalid.
            InternalProbeError: the monitor itself failed.
        """
        wait_s, turn = _FIRST_WAIT_S, 0
        while True:
            self._ask(self._servers[turn % len(self._servers)])
            await asyncio.wait((self._news,), timeout=wait_s)
            if not self._news.done():
                turn += 1
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S) if turn % len(self._servers) == 0 else wait_s
                continue
            said, self._news = self._news.result(), self._loop.create_future()
            if said is None:
                continue
            server, reply = said
            if reply.rcode == dns.rcode.FORMERR and self._edns:
                self._edns = False
            elif reply.rcode in _FOR_THE_NEXT and len(self._servers) > 1:
                self._leave(server)
            else:
                elapsed_us = (time.perf_counter_ns() - self._open[server].asked_ns) // 1000
                return UdpResponse(reply, server, self._edns, elapsed_us)

    def close(self) -> None:
        """Close all sockets."""
        for server in list(self._open):
            self._close(server)
        if self._news.done() and not self._news.cancelled():
            self._news.exception()  # marks the exception as retrieved, if a cancellation came first
        # The exception refers to frames that refer to this object. Break the cycle, so that both are freed at once.
        del self._news

    def _ask(self, server: Server) -> None:
        try:
            if server not in self._open:
                self._open_to(server)
            self._open[server].socket.send(self._question.wire(self._number, edns=self._edns))
        except BlockingIOError:
            pass  # treated as a lost datagram
        except OSError as error:
            self._refused(server, error)

    def _open_to(self, server: Server) -> None:
        opened = opened_to(server)
        self._open[server] = _Open(opened, time.perf_counter_ns())
        self._loop.add_reader(opened.fileno(), self._read, server)

    def _read(self, server: Server) -> None:
        news = self._news
        if news.done():
            return  # the datagram stays in the socket until the previous one is processed
        try:
            data = self._open[server].socket.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError as error:
            self._refused(server, error)
            return
        try:
            reply = self._question.answered_by(data, self._number)
        except ProbeFailure as failure:
            failure.__traceback__ = failure.__context__ = failure.__cause__ = None
            news.set_exception(failure)
            return
        if reply is not None:
            news.set_result((server, reply))
            return
        self._strange += 1
        if self._strange > _MOST_STRANGE:
            news.set_exception(ProbeFailure(ErrorKind.PROTOCOL, "DNS server sends responses that match no query"))

    def _refused(self, server: Server, error: OSError) -> None:
        self._refusals.append((server.address, error.with_traceback(None)))
        self._leave(server)
        if self._servers:
            self._news.set_result(None)
        else:
            self._news.set_exception(combined_error(self._refusals))

    def _leave(self, server: Server) -> None:
        self._servers.remove(server)
        self._close(server)

    def _close(self, server: Server) -> None:
        opened = self._open.pop(server, None)
        if opened is not None:
            self._loop.remove_reader(opened.socket.fileno())
            opened.socket.close()
