"""Name resolution on the event loop (semantics.md §21), with a small cache (docs/adr/0037)."""

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
# A monitor has to notice a changed or broken name soon, regardless of its TTL. Negative answers are cached for less
# than any SOA would allow, failures of servers for less than five minutes (RFC 2308 §5, §7).
_LONGEST_S = 30.0
_SHORTEST_S = 1.0
_NEGATIVE_S = 2.0
_NO_ADDRESS = "host name has no IP address"


class ResolutionError(Exception):
    """A name has no address; the message is for the check's owner."""


class NoNameServer(ResolutionError):
    """No name server could be queried: a failure of the monitor itself."""


@dataclass(frozen=True, slots=True)
class _Answer:
    addresses: tuple[str, ...]
    good_until_s: float
    error: str = ""
    is_ours: bool = False


@dataclass(slots=True)
class _UnderWay:
    """A look-up in progress, with the number of waiting callers."""

    task: asyncio.Task[_Answer]
    waiting: int = 0


class Resolver:
    """A resolver of host names; needs a running event loop.

    A look-up has no time limit; callers cancel it. Addresses are returned in the order to try them (RFC
    6724).

    Args:
        servers: addresses of name servers, with a port unless it is 53; those of the system if empty.
        clock: returns monotonic seconds, for the cache.
        metrics: counts look-ups.
        names: the name servers, instead of `servers`.
        hosts: the names of the hosts file.

    Attributes:
        names: the name servers.
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
        # All tasks, including those without waiting callers that are about to end.
        self._tasks: set[asyncio.Task[_Answer]] = set()

    async def resolve(self, host: str, *, anew: bool = False) -> tuple[str, ...]:
        """Return the literal addresses of a host.

        Args:
            host: a host name in ASCII, taken as absolute; no search domain is tried.
            anew: whether to ignore the cache.

        Raises:
            ResolutionError: the name has no address, or no name server could resolve it.
            NoNameServer: no name server could be queried, or too many look-ups are in progress.
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
        """Cancel all look-ups."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.names.close()

    async def _answer(self, host: str) -> _Answer:
        """Look a name up, together with all concurrent callers for it."""
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
            # Other callers may wait for the same look-up, so a cancelled caller must not cancel it.
            return await asyncio.shield(under_way.task)
        finally:
            under_way.waiting -= 1
            if not under_way.waiting:
                under_way.task.cancel()  # no effect if it is done
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
            raise LookupFailedError(_NO_ADDRESS)  # must not be queried (RFC 7686 §2)
        try:
            name = name_in_wire_form(bare)
        except ValueError as error:
            raise LookupFailedError("host name is malformed") from error
        return await AddressLookup(name, self.names).found()
