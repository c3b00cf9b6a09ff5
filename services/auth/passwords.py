"""Password hashing: argon2id (RFC 9106) in a small thread pool.

A hash costs memory and tens of milliseconds by design, so it runs off the event loop. Calls beyond the pool and its
queue are refused with OVERLOADED, so that a flood of logins delays no other calls.
"""

import asyncio
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import ResourceExhausted

# OWASP's smallest recommended cost: 19 MiB, two passes, one lane.
_MEMORY_KIB = 19 * 1024
_PASSES = 2
_LANES = 1
_AT_ONCE = 2
_MOST_WAITING = 64
_RETRY_AFTER_S = 1.0

T = TypeVar("T")
_NICENESS = 10


def _lower_priority() -> None:
    """Lower this thread's priority, so that the event loop runs first on a busy processor."""
    # On Linux the niceness is per thread.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)


class Passwords:
    """A bounded pool that hashes and verifies passwords."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2", initializer=_lower_priority)
        self._waiting = 0
        # The hash that an unknown user's password is verified against, so that it takes as long as a wrong password.
        self._dummy_hash = self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        """Return a hash that includes its salt and cost.

        Raises:
            ResourceExhausted: OVERLOADED.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Return whether the password matches the hash; without a hash, take as long and return False.

        Raises:
            ResourceExhausted: OVERLOADED.
        """
        return await self._run(lambda: self._matches(password_hash or self._dummy_hash, password)) and bool(
            password_hash
        )

    def close(self) -> None:
        """Finish the running work and cancel the queued work."""
        self._pool.shutdown(cancel_futures=True)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MOST_WAITING:
            raise ResourceExhausted(
                reasons.ERROR_REASON_OVERLOADED,
                f"Overloaded: {self._waiting} password checks are queued, limit {_MOST_WAITING}. Try again.",
                _RETRY_AFTER_S,
                limit=_MOST_WAITING,
                actual=self._waiting,
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
