"""Happy Eyeballs (RFC 8305): race the addresses of a host; the first connection wins (docs/adr/0013)."""

import asyncio
import errno
import socket
from collections.abc import Sequence
from itertools import zip_longest
from typing import TypeVar

from services.checks.outcome import ErrorKind
from services.wire.connection import Connection
from services.wire.internal_error import InternalProbeError, is_internal
from services.wire.probe_failure import ProbeFailure

# How long after an attempt the next one starts (RFC 8305 §5).
STAGGER_S = 0.25
_MOST_ATTEMPTS = 8
_L = TypeVar("_L", bound=Connection)


async def dial(links: Sequence[_L]) -> _L:
    """Connect one of several connections and return it; close the others at once.

    Raises:
        ProbeFailure: no address accepts a connection.
        InternalProbeError: all failures are the monitor's own.
    """
    if len(links) == 1:
        only = links[0]
        try:
            await only.dial()
        except OSError as error:
            raise combined_error([(only.address, error)]) from error
        return only
    return await _race(interleave_families(links)[:_MOST_ATTEMPTS])


async def _race(links: Sequence[_L]) -> _L:
    attempts: dict[asyncio.Task[None], _L] = {}
    refusals: list[tuple[str, OSError]] = []
    winner: _L | None = None
    try:
        for number, connection in enumerate(links, 1):
            attempts[asyncio.create_task(connection.dial())] = connection
            waits_s = STAGGER_S if number < len(links) else None
            winner = await _first(attempts, refusals, waits_s)
            while winner is None and attempts and waits_s is None:
                winner = await _first(attempts, refusals, None)
            if winner is not None:
                return winner
        raise combined_error(refusals) from refusals[0][1]
    finally:
        for each in attempts:
            each.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)
        for connection in links:
            if connection is not winner:
                connection.close()


async def _first(
    attempts: dict[asyncio.Task[None], _L], refusals: list[tuple[str, OSError]], waits_s: float | None
) -> _L | None:
    """Wait until an attempt ends; return its connection if it succeeded, else record the failure."""
    done, _ = await asyncio.wait(attempts, timeout=waits_s, return_when=asyncio.FIRST_COMPLETED)
    winner = None
    for each in done:
        ended, error = attempts.pop(each), each.exception()
        if isinstance(error, OSError):
            refusals.append((ended.address, error))
        elif error is not None:
            raise error
        elif not ended.is_late:
            winner = ended
    return winner


def interleave_families(links: Sequence[_L]) -> list[_L]:
    """Return the connections with alternating address families, beginning with the first one's (RFC 8305 §4). Pure."""
    begins_with_ipv6 = ":" in links[0].address
    first = [each for each in links if (":" in each.address) == begins_with_ipv6]
    others = [each for each in links if (":" in each.address) != begins_with_ipv6]
    return [each for pair in zip_longest(first, others) for each in pair if each is not None]


def combined_error(refusals: Sequence[tuple[str, OSError]]) -> ProbeFailure | InternalProbeError:
    """Return the failure for the failures of all addresses."""
    theirs = [error for address, error in refusals if not _is_internal(address, error)]
    if not theirs:
        return InternalProbeError(refusals[0][1])
    if any(isinstance(error, ConnectionRefusedError) for error in theirs):
        return ProbeFailure(ErrorKind.CONNECT_REFUSED, "connection refused")
    if all(error.errno == errno.ETIMEDOUT for error in theirs):
        return ProbeFailure(ErrorKind.CONNECT_TIMEOUT, "connection timed out")
    return ProbeFailure(ErrorKind.CONNECT_REFUSED, "connection failed")


def _is_internal(address: str, error: OSError) -> bool:
    if error.errno == errno.ENETUNREACH:
        return not has_route(address)
    return is_internal(error)


def has_route(address: str) -> bool:
    """Return whether this machine has a route to an address; sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as asking:
            asking.connect((address, 9))
    except OSError:
        return False
    return True
