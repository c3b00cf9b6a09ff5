"""Names to addresses, off any thread pool (semantics.md §21): c-ares by aiodns, with a small cache of its own."""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiodns

from services.worker.metrics import Metrics

_TIMEOUT_S = 2.0
_TRIES = 3
_MOST_CACHED = 10_000
# Whoever asked may have given up: c-ares goes on for some seconds.
_MOST_UNDER_WAY = 10_000
# A monitor has to notice a changed or broken name soon, whatever its TTL says. That a name is not there is remembered
# for less than its zone's SOA would ever allow (RFC 2308 §5), a server's failure for less than five minutes (§7).
_LONGEST_S = 30.0
_SHORTEST_S = 1.0
_NEGATIVE_S = 2.0
# c-ares keeps answers of its own for as long as their TTL, up to an hour, and an answer without an address for an hour
# (c-ares issue 1293), which its binding cannot switch off: a channel that is older is let go, and its memory with it.
CHANNEL_S = 5.0
# c-ares' own numbers (ares.h).
_NO_DATA, _NOT_FOUND, _BAD_NAME, _REFUSED, _TIMED_OUT = 1, 4, 8, 6, 12
_UNREACHABLE, _NO_FILE, _NO_MEMORY = 11, 14, 15
_OURS = frozenset({_UNREACHABLE, _NO_FILE, _NO_MEMORY})


class ResolutionError(Exception):
    """A name has no address for us; the message is for the check's owner."""


class NoNameServer(ResolutionError):
    """No name server could be asked: our own trouble."""


@dataclass(frozen=True, slots=True)
class _Answer:
    addresses: tuple[str, ...]
    good_until_s: float
    error: str = ""
    is_ours: bool = False


class _Channel:
    """One of c-ares' channels, closed when it is no longer used and nobody waits for it."""

    def __init__(self, servers: Sequence[str], made_s: float) -> None:
        self.made_s = made_s
        self.dns = aiodns.DNSResolver(nameservers=servers or None, timeout=_TIMEOUT_S, tries=_TRIES)
        self.waiting = 0
        self.is_retired = False


class Resolver:
    """Resolves host names; needs a running event loop.

    Addresses come in the order to try them: c-ares sorts them as RFC 6724 says.

    Args:
        servers: addresses of name servers, each with a port if it is not 53; the system's when empty.
        clock: monotonic seconds.
        metrics: told of each look-up.
    """

    def __init__(
        self,
        servers: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
        metrics: Metrics | None = None,
    ) -> None:
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._servers = servers
        self._channel = _Channel(servers, clock())
        self._closing: set[asyncio.Task[None]] = set()
        self._cache: OrderedDict[str, _Answer] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[_Answer]] = {}

    @property
    def servers(self) -> Sequence[str]:
        """The name servers that are asked, each an address with a port if it is not 53."""
        return self._servers or self._young_channel().dns.nameservers

    async def resolve(self, host: str) -> tuple[str, ...]:
        """The literal addresses of a host.

        Raises:
            ResolutionError: it has none, or no name server said so in time.
            NoNameServer: no name server could be asked, or too many questions are under way.
        """
        answer = self._cache.get(host)
        cached = answer is not None and self._clock() < answer.good_until_s
        self._metrics.resolved(cached=cached)
        if answer is None or not cached:
            task = self._under_way.get(host)
            if task is None:
                if len(self._under_way) >= _MOST_UNDER_WAY:
                    raise NoNameServer("the monitor waits for too many names already")
                task = self._under_way[host] = asyncio.create_task(self._ask(host))
                task.add_done_callback(lambda _: self._under_way.pop(host, None))
            # Others may wait for the same answer: one who gives up must not take it from them.
            answer = await asyncio.shield(task)
        if answer.is_ours:
            raise NoNameServer(answer.error)
        if answer.error:
            raise ResolutionError(answer.error)
        return answer.addresses

    async def close(self) -> None:
        """Give up what is under way."""
        for task in list(self._under_way.values()):
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        self._retire(self._channel)
        await asyncio.gather(*self._closing)

    def _young_channel(self) -> _Channel:
        now = self._clock()
        if now >= self._channel.made_s + CHANNEL_S:
            before, self._channel = self._channel, _Channel(self._servers, now)
            self._retire(before)
        return self._channel

    def _retire(self, channel: _Channel) -> None:
        channel.is_retired = True
        if not channel.waiting:
            task = asyncio.create_task(channel.dns.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _ask(self, host: str) -> _Answer:
        channel = self._young_channel()
        channel.waiting += 1
        try:
            found = await channel.dns.getaddrinfo(host, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM)
        except aiodns.error.DNSError as error:
            number = error.args[0] if error.args else 0
            answer = _Answer((), self._clock() + _NEGATIVE_S, _sentence(number), number in _OURS)
        else:
            # Each address comes once for every socket type it is good for.
            addresses = tuple(dict.fromkeys(_text(node.addr[0]) for node in found.nodes))
            ttl = min((node.ttl for node in found.nodes), default=0)
            good_for = min(_LONGEST_S, max(_SHORTEST_S, float(ttl)))
            answer = _Answer(addresses, self._clock() + good_for, "" if addresses else _sentence(_NO_DATA))
        finally:
            channel.waiting -= 1
            if channel.is_retired:
                self._retire(channel)
        self._cache[host] = answer
        self._cache.move_to_end(host)
        if len(self._cache) > _MOST_CACHED:
            self._cache.popitem(last=False)
        return answer


def _text(address: bytes | str) -> str:
    return address.decode() if isinstance(address, bytes) else address


def _sentence(number: object) -> str:
    if number in {_NOT_FOUND, _NO_DATA}:
        return "the host's name has no address"
    if number == _BAD_NAME:
        return "the host's name is malformed"
    if number == _REFUSED:
        return "the name server refused the question"
    if number == _TIMED_OUT:
        return "the name server did not answer"
    if number in _OURS:
        return "the monitor could not reach a name server"
    return "the name server failed"
