"""Names to addresses, off any thread pool (semantics.md §21), with a small cache (docs/adr/0037)."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.wire.address_lookup import AddressLookup, FoundAddresses, LookupFailedError
from services.wire.address_order import in_order
from services.wire.address_records import name_in_wire_form
from services.wire.hosts_file import HostsFile
from services.wire.name_servers import NameServers
from services.wire.wire_metrics import WireMetrics

_MOST_CACHED = 10_000
_MOST_UNDER_WAY = 10_000
# A monitor has to notice a changed or broken name soon, whatever its TTL says. That a name is not there is remembered
# for less than its zone's SOA would ever allow, a server's failure for less than five minutes (RFC 2308 §5, §7).
_LONGEST_S = 30.0
_SHORTEST_S = 1.0
_NEGATIVE_S = 2.0
_NO_ADDRESS = "host name has no IP address"


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


@dataclass(slots=True)
class _UnderWay:
    """A look-up, and how many wait for it."""

    task: asyncio.Task[_Answer]
    waiting: int = 0


class Resolver:
    """Resolves host names; needs a running event loop.

    A look-up has as long as whoever waits for it. Addresses come in the order to try them (RFC 6724).

    Args:
        servers: addresses of name servers, each with a port if it is not 53; the system's when empty.
        clock: monotonic seconds, for the cache.
        metrics: told of each look-up.
        names: the name servers, instead of making them of `servers`.
        hosts: the names that this machine knows by itself.

    Attributes:
        names: the name servers that are asked.
    """

    def __init__(
        self,
        servers: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
        metrics: WireMetrics | None = None,
        *,
        names: NameServers | None = None,
        hosts: HostsFile | None = None,
    ) -> None:
        self.names = names or NameServers(servers)
        self._hosts = hosts or HostsFile()
        self._clock = clock
        self._metrics = metrics or WireMetrics()
        self._cache: OrderedDict[str, _Answer] = OrderedDict()
        self._under_way: dict[str, _UnderWay] = {}
        # All of them, also those that nobody waits for any more and that are about to end.
        self._tasks: set[asyncio.Task[_Answer]] = set()

    async def resolve(self, host: str, *, anew: bool = False) -> tuple[str, ...]:
        """The literal addresses of a host.

        Args:
            host: a name in ASCII, taken as absolute; no search domain is tried.
            anew: whether to ask though an answer is remembered.

        Raises:
            ResolutionError: it has none, or no name server has an answer.
            NoNameServer: no name server could be asked, or too many questions are under way.
        """
        answer = None if anew else self._cache.get(host)
        cached = answer is not None and self._clock() < answer.good_until_s
        self._metrics.resolved(cached=cached)
        if answer is None or not cached:
            answer = await self._answer(host)
        if answer.is_ours:
            raise NoNameServer(answer.error)
        if answer.error:
            raise ResolutionError(answer.error)
        return answer.addresses

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.names.close()

    async def _answer(self, host: str) -> _Answer:
        """Look a name up, together with all who ask for it meanwhile."""
        under_way = self._under_way.get(host)
        if under_way is None:
            if len(self._under_way) >= _MOST_UNDER_WAY:
                raise NoNameServer("the monitor has too many DNS lookups in progress")
            task = asyncio.create_task(self._ask(host))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            under_way = self._under_way[host] = _UnderWay(task)
        under_way.waiting += 1
        try:
            # Others may wait for the same answer: one who gives up must not take it from them.
            return await asyncio.shield(under_way.task)
        finally:
            under_way.waiting -= 1
            if not under_way.waiting:
                under_way.task.cancel()  # nothing if it is done
                if self._under_way.get(host) is under_way:
                    del self._under_way[host]

    async def _ask(self, host: str) -> _Answer:
        now = self._clock
        try:
            found = await self._found(host)
        except LookupFailedError as error:
            answer = _Answer((), now() + _NEGATIVE_S, str(error), error.is_ours)
        else:
            addresses = in_order(found.addresses)
            longest_s = _LONGEST_S if addresses and found.is_whole else _NEGATIVE_S
            good_for_s = min(longest_s, max(_SHORTEST_S, float(found.ttl_s)))
            answer = _Answer(addresses, now() + good_for_s, "" if addresses else _NO_ADDRESS)
        self._cache[host] = answer
        self._cache.move_to_end(host)
        if len(self._cache) > _MOST_CACHED:
            self._cache.popitem(last=False)
        return answer

    async def _found(self, host: str) -> FoundAddresses:
        bare = host.lower().removesuffix(".")
        known = self._hosts.addresses_of(bare)
        if known:
            return FoundAddresses(known, 0, is_whole=True)
        if bare == "onion" or bare.endswith(".onion"):
            raise LookupFailedError(_NO_ADDRESS)  # must not be asked for (RFC 7686 §2)
        try:
            name = name_in_wire_form(bare)
        except ValueError as error:
            raise LookupFailedError("host name is malformed") from error
        return await AddressLookup(name, self.names).found()
