"""The monitor's own name servers: their order, which ones are dead, and whether any of them responds.

A server that does not respond is not necessarily dead, because the servers of the queried zone may be. Therefore it is
probed with a query that every server answers without querying others. If it does not respond to that either, or if its
machine reports that the port is closed, it is dead, and is queried last until it responds again (docs/adr/0037).
"""

import asyncio
import ipaddress
import secrets
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from services.checks.specs.endpoints import split_endpoint
from services.platform import logs
from services.wire.internal_error import is_internal

DNS_PORT = 53
# How long a server may be silent before it is probed, and how long it then has to respond.
HEALTH_CHECK_AFTER_S = 0.25
HEALTH_TIMEOUT_S = 0.75
# How often a dead server is probed, while names are looked up.
_HEALTH_INTERVAL_S = 5.0
# How long a response of a server counts as a sign of life.
_RESPONSIVE_FOR_S = 10.0
_RESOLV_CONF = Path("/etc/resolv.conf")
# The limit of resolv.conf(5).
_MOST_OF_THE_SYSTEM = 3
# A query for the addresses of the root. Every server responds to it, if only with a refusal, without querying others.
_HEALTH_QUERY = struct.Struct("!6HB2H")
_RECURSION_DESIRED, _IS_ANSWER = 0x0100, 0x80
_LARGEST = 4096
_NEVER = float("-inf")
_log = logs.get("names")


class Server(NamedTuple):
    """A name server: a literal address and a port."""

    address: str
    port: int


def opened_to(server: Server) -> socket.socket:
    """Return a socket that receives only from this server, on a random port.

    Raises:
        OSError: there is no route, or no socket.
    """
    family = socket.AF_INET6 if ":" in server.address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        address, _, zone = server.address.partition("%")
        if zone:
            opened.connect((address, server.port, 0, socket.if_nametoindex(zone)))
        else:
            opened.connect(server)
    except BaseException:
        opened.close()
        raise
    return opened


@dataclass(slots=True)
class _Health:
    responded_s: float = _NEVER
    queried_s: float = _NEVER
    is_dead: bool = False
    query: "_HealthQuery | None" = None


class NameServers:
    """The name servers and their health; needs a running event loop.

    Args:
        given: addresses, with a port unless it is 53; those of the system if empty.
        resolv_conf: the file with those of the system, read again after changes.
        clock: returns monotonic seconds.
    """

    def __init__(
        self,
        given: Sequence[str] = (),
        resolv_conf: Path = _RESOLV_CONF,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._path = None if given else resolv_conf
        self._read: tuple[int, int, int] | None = None
        self._health: dict[Server, _Health] = {}
        self._keep(Server(host, int(port or DNS_PORT)) for host, port in map(split_endpoint, given))

    def in_order(self) -> list[Server]:
        """Return the servers in the order to query them: as configured, but dead ones last."""
        self._refresh()
        health = self._health
        if not any(each.is_dead for each in health.values()):
            return list(health)
        self.check_health((server for server in health if health[server].is_dead), self._clock() - _HEALTH_INTERVAL_S)
        return sorted(health, key=lambda server: health[server].is_dead)

    def is_dead(self, server: Server) -> bool:
        """Return whether a server did not respond to its last probe."""
        health = self._health.get(server)
        return health is not None and health.is_dead

    def mark_responsive(self, server: Server) -> None:
        """Record that a server responded."""
        health = self._health.get(server)
        if health is not None:
            health.responded_s = self._clock()
            if health.is_dead:
                health.is_dead = False
                _log.info("DNS resolver responds again", server=server.address, port=server.port)

    def mark_dead(self, server: Server) -> None:
        """Mark a server as dead, because it is unreachable or did not respond to a probe."""
        health = self._health.get(server)
        if health is not None and not health.is_dead:
            health.is_dead = True
            health.queried_s = self._clock()
            _log.warning("DNS resolver does not respond, trying it last", server=server.address, port=server.port)

    def check_health(self, servers: Iterable[Server], since_s: float) -> None:
        """Probe servers that have neither responded nor been probed since a time."""
        for server in servers:
            health = self._health.get(server)
            if health is not None and health.query is None and max(health.responded_s, health.queried_s) < since_s:
                health.queried_s = self._clock()
                health.query = _HealthQuery(server, self._answered)

    def are_unresponsive(self, since_s: float) -> bool:
        """Return whether there is no sign that any of them can be reached.

        Args:
            since_s: the time of a query without a response.
        """
        recently_s = self._clock() - _RESPONSIVE_FOR_S
        return not any(
            each.responded_s >= since_s
            or (not each.is_dead and each.responded_s >= each.queried_s and each.responded_s >= recently_s)
            for each in self._health.values()
        )

    def now_s(self) -> float:
        """Return the present time of the clock, in seconds."""
        return self._clock()

    def close(self) -> None:
        """Stop all probes."""
        for health in self._health.values():
            if health.query is not None:
                health.query.close()
                health.query = None

    def _answered(self, server: Server, *, answered: bool | None) -> None:
        health = self._health.get(server)
        if health is None:
            return
        health.query = None
        if answered:
            self.mark_responsive(server)
        elif answered is not None and health.responded_s < health.queried_s:
            self.mark_dead(server)

    def _keep(self, servers: Iterable[Server]) -> None:
        before = self._health
        self._health = {server: before.get(server) or _Health() for server in servers}
        for server in before.keys() - self._health.keys():
            health_query = before[server].query
            if health_query is not None:
                health_query.close()

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            stat = self._path.stat()
            state = stat.st_ino, stat.st_mtime_ns, stat.st_size
            if state == self._read:
                return
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            state, text = None, ""
        self._read = state
        # resolv.conf(5): the default is the local machine.
        self._keep(_of_the_system(text) or [Server("127.0.0.1", DNS_PORT)])


def _of_the_system(text: str) -> list[Server]:
    """Return the servers of a resolv.conf; `search`, `domain` and `options` do not apply to absolute names."""
    found: dict[Server, None] = {}
    for line in text.splitlines():
        word, *rest = line.split() or [""]
        if word != "nameserver" or not rest:
            continue
        try:
            ipaddress.ip_address(rest[0])
        except ValueError:
            continue
        found[Server(rest[0], DNS_PORT)] = None
    return list(found)[:_MOST_OF_THE_SYSTEM]


class _HealthQuery:
    """A probe of one server.

    Args:
        server: the server.
        tell: called once with whether the server responded; None if the monitor failed to query it.
    """

    __slots__ = ("_loop", "_number", "_server", "_socket", "_tell", "_timer")

    def __init__(self, server: Server, tell: Callable[..., None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = server
        self._tell = tell
        self._number = secrets.randbits(16)
        self._socket: socket.socket | None = None
        try:
            self._socket = opened_to(server)
            self._socket.send(_HEALTH_QUERY.pack(self._number, _RECURSION_DESIRED, 1, 0, 0, 0, 0, 1, 1))
        except OSError as error:
            # Reported later, because the caller has not recorded the probe yet.
            self._timer = self._loop.call_later(0, self._end, None if is_internal(error) else False)
        else:
            self._loop.add_reader(self._socket.fileno(), self._hear)
            self._timer = self._loop.call_later(HEALTH_TIMEOUT_S, self._end, False)  # noqa: FBT003 — call_later takes no keywords

    def close(self) -> None:
        """Stop the probe."""
        self._timer.cancel()
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _hear(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(_LARGEST)
        except BlockingIOError:
            return
        except OSError:
            self._end(False)  # noqa: FBT003 — as above
            return
        if data[:2] == self._number.to_bytes(2, "big") and len(data) > 2 and data[2] & _IS_ANSWER:  # noqa: PLR2004 — the first byte of the flags
            self._end(True)  # noqa: FBT003 — as above

    def _end(self, answered: bool | None) -> None:  # noqa: FBT001 — as above
        self.close()
        self._tell(self._server, answered=answered)
