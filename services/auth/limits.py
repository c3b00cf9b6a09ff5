"""Rate limits of authentication (architecture.md § Trust): token buckets in the database, shared by all replicas.

Envoy limits each address too; these limits also hold for calls that bypass Envoy or come from many addresses. There is
one bucket for each source address and one for each account. A successful attempt is returned to its buckets, so many
users behind one address do not lock each other out; registering is the exception. An address from which the user has
signed in before has a separate account bucket, so guesses from elsewhere cannot lock the user out there.
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
    """A token bucket: a burst of attempts, refilled at a constant rate.

    Attributes:
        key: a hash of what is limited; no address and no email is stored.
        every_us: microseconds until one attempt is refilled.
        burst: the capacity in attempts.
        scope: the limited subject, for the error: "address" or "account".
    """

    key: bytes
    every_us: int
    burst: int
    scope: str


class Limits:
    """The rate limits of authentication.

    Args:
        store: the buckets in PostgreSQL.
        per_minute: attempts refilled to a source per minute.
        burst: capacity of a source's bucket.
    """

    def __init__(self, store: "InstallationSql", per_minute: int, burst: int) -> None:
        self._store = store
        self._every_us = max(1, MINUTE_US // per_minute)
        self._burst = burst

    def source(self, method: str, address: str) -> Bucket:
        """Return the bucket of a source address for one method."""
        return Bucket(_key("source", method, _network(address)), self._every_us, self._burst, "address")

    @staticmethod
    def account(*names: str, known_address: str = "") -> Bucket:
        """Return the bucket of an account, existing or not; a known address has a separate bucket."""
        return Bucket(_key("account", *names, known_address), _ACCOUNT_EVERY_US, _ACCOUNT_BURST, "account")

    async def consume(self, *buckets: Bucket) -> None:
        """Take one attempt from each bucket.

        Raises:
            ResourceExhausted: RATE_LIMITED.
        """
        wait_us = await self._store.consume_attempt(buckets)
        if wait_us is not None:
            raise _too_many(buckets, wait_us / SECOND_US)

    @asynccontextmanager
    async def attempt(self, *buckets: Bucket) -> AsyncIterator[None]:
        """Take one attempt, and return it unless the block fails to authenticate.

        Raises:
            ResourceExhausted: RATE_LIMITED.
        """
        await self.consume(*buckets)
        try:
            yield
        except (Unauthenticated, PermissionDenied):
            raise
        except Exception:
            await self._store.refund_attempt(buckets)
            raise
        await self._store.refund_attempt(buckets)


def _too_many(buckets: Sequence[Bucket], wait_s: float) -> ResourceExhausted:
    """Return an error with the limit of each bucket; naming the empty one would reveal others' attempts."""
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
    """Return an IPv4 address unchanged, or the network that one IPv6 client typically owns."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/{IPV6_PREFIX}", strict=False))
