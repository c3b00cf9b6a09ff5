"""A look-up of the IPv4 and IPv6 addresses of a name. It has no time limit; the caller cancels it.

Both queries are sent together, from one socket per server. If a server does not respond, the query is repeated to it
and to the next one, with exponential backoff; the first response is used. If a server fails, the others are queried,
each at most twice. After the response to one query, the other one has only a short time left, because servers that drop
IPv6 queries are common.
"""

import asyncio
import secrets
import socket
from collections.abc import Iterable
from typing import NamedTuple

import dns.rcode

from services.platform import logs
from services.wire.address_records import AAAA, A, Addresses, MalformedAnswerError, addresses_in
from services.wire.connection import Connection
from services.wire.dial import dial
from services.wire.dns_question import Outline, Question
from services.wire.dns_tcp_handler import DnsTcpHandler
from services.wire.internal_error import InternalProbeError, is_internal
from services.wire.name_servers import HEALTH_CHECK_AFTER_S, NameServers, Server, opened_to
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 8.0
# How much longer than the first response the second one may take. RFC 8305 §3 recommends 50 ms, but a name that the
# server has not cached takes longer, and a verdict should not depend on the cache.
_OTHER_FAMILY_S = 0.25
_MOST_FAILURES = 2
# A peer that sends more packets that match no query is not a name server.
_MOST_STRANGE = 64
_MOST_AT_ONCE = 16
_LARGEST = 65_535
_FAILED = "DNS server failed"
_SENTENCES = {dns.rcode.REFUSED: "DNS server refused the query", dns.rcode.SERVFAIL: _FAILED}
_log = logs.get("lookup")


class LookupFailedError(Exception):
    """The look-up failed.

    Attributes:
        is_ours: whether no name server could be queried, which is a fault of the monitor.
    """

    def __init__(self, sentence: str, *, is_ours: bool = False) -> None:
        super().__init__(sentence)
        self.is_ours = is_ours


class FoundAddresses(NamedTuple):
    """The addresses of a name.

    Attributes:
        addresses: literal addresses, IPv4 first; empty if the name has none.
        ttl_s: how long the addresses are valid, in seconds.
        is_whole: whether there was a response to both queries.
    """

    addresses: tuple[str, ...]
    ttl_s: int
    is_whole: bool


class _TcpReply(NamedTuple):
    """A response received over TCP."""

    outline: Outline
    data: bytes

    @property
    def is_truncated(self) -> bool:
        return self.outline.is_truncated


class _AddressQuestion:
    """One of the two queries, with the state of its response."""

    __slots__ = ("answer", "failure", "failures", "is_no_name", "is_ours", "is_over", "number", "question", "type")

    def __init__(self, name: bytes, type_: int, number: int) -> None:
        self.type = type_
        self.question = Question(name, type_)
        self.number = number
        self.is_over = False
        self.answer: Addresses | None = None
        self.is_no_name = False
        self.failure = ""
        self.is_ours = False
        self.failures: dict[Server, int] = {}

    def read(self, data: bytes, number: int) -> _TcpReply | None:
        """Return the response received over TCP if it is a response to the question."""
        outline = self.question.outline(data, number)
        return None if outline is None else _TcpReply(outline, data)


class AddressLookup:
    """A look-up in progress.

    Args:
        name: an absolute name, in wire form and lower case.
        names: the name servers.
    """

    __slots__ = (
        "_asked_s", "_done", "_grace", "_loop", "_name", "_names", "_open", "_parts", "_plain", "_refused", "_servers",
        "_strange", "_talks", "_timer", "_turn",
    )  # fmt: skip

    def __init__(self, name: bytes, names: NameServers) -> None:
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[FoundAddresses] = self._loop.create_future()
        self._name = name
        self._names = names
        self._servers = names.in_order()
        number = secrets.randbits(16)
        self._parts = (_AddressQuestion(name, A, number), _AddressQuestion(name, AAAA, number ^ 1))
        self._open: dict[Server, socket.socket] = {}
        # The servers that cannot be reached at present, and those that do not support EDNS.
        self._refused: set[Server] = set()
        self._plain: set[Server] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._turn = 0
        self._strange = 0
        self._asked_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._grace: asyncio.TimerHandle | None = None

    async def found(self) -> FoundAddresses:
        """Send the queries until there is a response; when cancelled, close all sockets.

        Raises:
            LookupFailedError: every server failed, or none can be queried.
        """
        try:
            self._start_family()
            return await self._done
        finally:
            self._close()

    def _start_family(self) -> None:
        """Query the next server, and start its timer."""
        if self._done.done():
            return
        for part in self._pending():
            if part.failure and not self._next_servers(part):
                self._end(part)
        server = self._servers[self._turn % len(self._servers)]
        rounds = self._turn // len(self._servers)
        wait_s = min(_FIRST_WAIT_S * 2**rounds, _LONGEST_WAIT_S)
        self._asked_s = self._names.now_s()
        self._refused.discard(server)
        self._ask(server, [part for part in self._pending() if part.failures.get(server, 0) < _MOST_FAILURES])
        if self._done.done():
            return
        self._turn += 1
        self._timer = self._loop.call_later(HEALTH_CHECK_AFTER_S, self._check_health, wait_s - HEALTH_CHECK_AFTER_S)

    def _check_health(self, left_s: float) -> None:
        """Probe whether the silent servers respond at all."""
        self._names.check_health(tuple(self._open), self._asked_s)
        self._timer = self._loop.call_later(left_s, self._start_family)

    def _ask(self, server: Server, parts: Iterable[_AddressQuestion]) -> None:
        edns = server not in self._plain and self._turn < 2 * len(self._servers)
        try:
            for part in parts:
                if server not in self._open:
                    self._open[server] = opened = opened_to(server)
                    self._loop.add_reader(opened.fileno(), self._read, server)
                self._open[server].send(part.question.wire(part.number, edns=edns))
        except BlockingIOError:
            pass  # like a lost packet
        except OSError as error:
            self._cannot_reach(server, error)

    def _read(self, server: Server) -> None:
        for _ in range(_MOST_AT_ONCE):
            opened = self._open.get(server)
            if opened is None or self._done.done():
                return
            try:
                data = opened.recv(_LARGEST)
            except BlockingIOError:
                return
            except OSError as error:
                self._cannot_reach(server, error)
                return
            self._hear(server, data)

    def _hear(self, server: Server, data: bytes) -> None:
        for part in self._parts:
            outline = part.question.outline(data, part.number)
            if outline is not None:
                self._names.mark_responsive(server)
                if not part.is_over:
                    self._take(part, server, outline, data)
                return
        self._strange += 1
        if self._strange > _MOST_STRANGE:
            self._cannot_reach(server)

    def _take(self, part: _AddressQuestion, server: Server, outline: Outline, data: bytes) -> None:
        if outline.is_truncated:
            handler = self._loop.create_task(self._ask_by_tcp(part, server))
            self._talks.add(handler)
            handler.add_done_callback(self._talks.discard)
        elif outline.rcode == dns.rcode.NOERROR:
            try:
                part.answer = addresses_in(data, outline.start, outline.records, self._name, part.type)
            except MalformedAnswerError:
                self._failed(part, server, "malformed DNS response")
            else:
                self._end(part)
        elif outline.rcode == dns.rcode.NXDOMAIN:
            part.is_no_name = True
            self._end(part)
        elif outline.rcode == dns.rcode.FORMERR and server not in self._plain:
            self._plain.add(server)
            self._ask(server, [part])
        else:
            self._failed(part, server, _SENTENCES.get(outline.rcode, _FAILED))

    async def _ask_by_tcp(self, part: _AddressQuestion, server: Server) -> None:
        """Repeat the query over TCP after a truncated response."""
        seen = Observation()
        handler = DnsTcpHandler(part.question, part.read, seen, edns=server not in self._plain)
        failure, is_ours = "malformed DNS response", False
        try:
            connection = await dial([Connection(server.address, server.port, seen, handler)])
            await connection.wait_closed()
        except (ProbeFailure, InternalProbeError):
            if seen.connect_us is None:
                failure, is_ours = "the monitor could not reach a DNS resolver over TCP", True
        except Exception:  # noqa: BLE001 — after any error the look-up continues with the next server
            _log.exception("DNS query over TCP failed")
        if part.is_over or self._done.done():
            return
        if handler.reply is None:
            part.is_ours = is_ours
            self._failed(part, server, failure)
        else:
            self._take(part, server, *handler.reply)

    def _failed(self, part: _AddressQuestion, server: Server, sentence: str) -> None:
        """Record that a server failed, and query the next one."""
        part.failure = sentence
        part.failures[server] = part.failures.get(server, 0) + 1
        others = self._next_servers(part)
        if others:
            self._ask(min(others, key=lambda each: part.failures.get(each, 0)), [part])
        else:
            self._end(part)

    def _next_servers(self, part: _AddressQuestion) -> list[Server]:
        """Return the servers that are reachable and have not failed too often at a query."""
        return [
            server
            for server in self._servers
            if part.failures.get(server, 0) < _MOST_FAILURES
            and server not in self._refused
            and not self._names.is_dead(server)
        ]

    def _cannot_reach(self, server: Server, error: OSError | None = None) -> None:
        """Record that a server is unreachable, and query the next one immediately."""
        self._close_to(server)
        self._refused.add(server)
        if error is None or not is_internal(error):
            self._names.mark_dead(server)
        left = [each for each in self._servers if each not in self._refused]
        if left:
            self._ask(left[0], self._pending())
            return
        for part in self._pending():
            part.is_ours = part.is_ours or not part.failure
            part.failure = part.failure or "the monitor could not reach a DNS resolver"
            self._end(part)

    def _pending(self) -> list[_AddressQuestion]:
        return [part for part in self._parts if not part.is_over]

    def _end(self, part: _AddressQuestion) -> None:
        """Close a query, and conclude the look-up if it is the last one."""
        part.is_over = True
        if not self._pending():
            self._conclude()
        elif self._grace is None and (part.is_no_name or (part.answer is not None and part.answer.found)):
            self._grace = self._loop.call_later(_OTHER_FAMILY_S, self._conclude)

    def _conclude(self) -> None:
        if self._done.done():
            return
        answers = [part.answer for part in self._parts if part.answer is not None]
        addresses = tuple(address for answer in answers for address in answer.found)
        failed = next((part for part in self._parts if part.failure and part.answer is None), None)
        if addresses or failed is None or any(part.is_no_name for part in self._parts):
            ttl_s = min((answer.ttl_s for answer in answers), default=0)
            is_whole = all(part.answer is not None or part.is_no_name for part in self._parts)
            self._done.set_result(FoundAddresses(addresses, ttl_s, is_whole))
        else:
            self._done.set_exception(LookupFailedError(failed.failure, is_ours=failed.is_ours))

    def _close_to(self, server: Server) -> None:
        opened = self._open.pop(server, None)
        if opened is not None:
            self._loop.remove_reader(opened.fileno())
            opened.close()

    def _close(self) -> None:
        for server in list(self._open):
            self._close_to(server)
        for handler in self._talks:
            handler.cancel()
        for timer in (self._timer, self._grace):
            if timer is not None:
                timer.cancel()
        if self._done.done() and not self._done.cancelled():
            self._done.exception()  # retrieved, even if a cancellation came first
        # The exception refers to frames that refer to this object. Break the cycle, so that both are freed at once.
        del self._done
