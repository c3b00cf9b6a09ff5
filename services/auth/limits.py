"""How often somebody may try (architecture.md § Trust): buckets in the database, so that all replicas count together.

Envoy limits each address too, but whoever goes around it, or spreads over many addresses, meets these: one bucket for
each source, and one for each account. What succeeds is given back, so that a busy office locks nobody out; only
registering costs its source an attempt even so. From an address that the user has signed in from before, the account's
bucket is one of its own: whoever guesses from elsewhere cannot lock the user out at home.
"""

import hashlib
import ipaddress
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.clock import MINUTE_US, SECOND_US
from services.platform.errors import PermissionDenied, ResourceExhausted, Unauthenticated
from services.platform.security.origin import IPV6_PREFIX

if TYPE_CHECKING:
    from services.auth.store.installation import InstallationSql

_ACCOUNT_EVERY_US = 30 * SECOND_US
_ACCOUNT_BURST = 10


@dataclass(frozen=True, slots=True)
class Bucket:
    """So many attempts at once, and one more every so often.

    Attributes:
        key: a hash of what is counted; nobody's address or email is stored.
        every_us: how long one attempt takes to come back.
        burst: how many there are at the most.
        scope: what is counted, as the error names it: "address" or "account".
    """

    key: bytes
    every_us: int
    burst: int
    scope: str


class Limits:
    """Counts attempts.

    Args:
        store: where the buckets are.
        per_minute: how many attempts a minute come back to a source.
        burst: how many attempts a source has at once.
    """

    def __init__(self, store: "InstallationSql", per_minute: int, burst: int) -> None:
        self._store = store
        self._every_us = max(1, MINUTE_US // per_minute)
        self._burst = burst

    def source(self, method: str, address: str) -> Bucket:
        """The bucket of where the call came from."""
        return Bucket(_key("source", method, _network(address)), self._every_us, self._burst, "address")

    @staticmethod
    def account(*names: str, known_address: str = "") -> Bucket:
        """The bucket of whose account is tried, known or not; with a known address one of its own."""
        return Bucket(_key("account", *names, known_address), _ACCOUNT_EVERY_US, _ACCOUNT_BURST, "account")

    async def take(self, *buckets: Bucket) -> None:
        """Take one attempt from each bucket.

        Raises:
            ResourceExhausted: RATE_LIMITED.
        """
        wait_us = await self._store.take_attempt(buckets)
        if wait_us is not None:
            raise _too_many(buckets, wait_us / SECOND_US)

    @asynccontextmanager
    async def attempt(self, *buckets: Bucket) -> AsyncIterator[None]:
        """One attempt: it costs only who fails to prove who they are.

        Raises:
            ResourceExhausted: RATE_LIMITED.
        """
        await self.take(*buckets)
        try:
            yield
        except (Unauthenticated, PermissionDenied):
            raise
        except Exception:
            await self._store.give_back(buckets)
            raise
        await self._store.give_back(buckets)


def _too_many(buckets: Sequence[Bucket], wait_s: float) -> ResourceExhausted:
    """Name the limit of each bucket, not the empty one: which that is would tell how often others have tried."""
    limits = " and ".join(f"{bucket.burst} at once for each {bucket.scope}" for bucket in buckets)
    error = ResourceExhausted(
        reasons.ERROR_REASON_RATE_LIMITED,
        f"Rate limit exceeded: too many attempts (limit {limits}). Try again in {math.ceil(wait_s)} s.",
        wait_s,
    )
    error.metadata |= {f"{bucket.scope}Limit": str(bucket.burst) for bucket in buckets}
    return error


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


def _network(address: str) -> str:
    """An IPv4 address, or the network that one IPv6 client has to itself."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/{IPV6_PREFIX}", strict=False))
