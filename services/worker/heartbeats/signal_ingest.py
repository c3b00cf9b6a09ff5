"""The ingest of signals; those of a few milliseconds are written in one statement.

A signal is acknowledged once it is committed, so no acknowledged signal is lost. An unknown token takes the same path
as a valid one.
"""

import asyncio
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import NotFound, ResourceExhausted
from services.worker.heartbeats.token_limit import MOST_AT_ONCE, TokenLimit
from services.worker.metrics import Metrics, SignalOutcome

if TYPE_CHECKING:
    from services.worker.store.heartbeats import SignalIngestSql

_BATCH_S = 0.002
_MOST_WAITING = 10_000
_RETRY_AFTER_S = 1.0


@dataclass(slots=True, kw_only=True)
class Signal:
    """The signals of one token in a batch.

    Attributes:
        exit_code: the exit code of the last signal: 0 for a success, None for a failure without one.
        success: whether any of them is a success.
        failure: whether any of them is a failure.
        failure_code: the exit code of the last failure.
        count: the number of signals.
    """

    exit_code: int | None = None
    success: bool = False
    failure: bool = False
    failure_code: int | None = None
    count: int = 0

    def add(self, exit_code: int | None) -> None:
        """Add a signal."""
        self.exit_code, self.count = exit_code, self.count + 1
        if exit_code == 0:
            self.success = True
        else:
            self.failure, self.failure_code = True, exit_code


@dataclass(slots=True)
class _Batch:
    signals: dict[bytes, Signal] = field(default_factory=dict)
    waiting: int = 0
    known: asyncio.Future[Collection[bytes]] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class SignalIngest:
    """Receives signals and writes them in batches.

    Args:
        store: writes signals to PostgreSQL.
        metrics: counts signals.
    """

    def __init__(self, store: "SignalIngestSql", metrics: Metrics | None = None) -> None:
        self._store = store
        self._metrics = metrics or Metrics()
        self._limit = TokenLimit()
        self._batch: _Batch | None = None
        self._arrived = asyncio.Event()

    async def record(self, token_hash: bytes, exit_code: int | None) -> None:
        """Record a signal; return once it is committed.

        Args:
            token_hash: the hash of its token.
            exit_code: 0 for a success, None for a failure without one.

        Raises:
            NotFound: HEARTBEAT_NOT_FOUND.
            ResourceExhausted: RATE_LIMITED or OVERLOADED.
            Unavailable: the database is unavailable.
        """
        wait_s = self._limit.acquire(token_hash, time.monotonic())
        if wait_s:
            self._metrics.signal_ended(SignalOutcome.LIMITED)
            raise ResourceExhausted(
                reasons.ERROR_REASON_RATE_LIMITED,
                f"Rate limit exceeded: limit {MOST_AT_ONCE} signals at once for each token, and one more per second.",
                wait_s,
                limit=MOST_AT_ONCE,
            )
        batch = self._batch or _Batch()
        if batch.waiting >= _MOST_WAITING:
            self._metrics.signal_ended(SignalOutcome.LIMITED)
            raise ResourceExhausted(
                reasons.ERROR_REASON_OVERLOADED,
                f"Overloaded: {batch.waiting} signals are queued, limit {_MOST_WAITING}. Try again.",
                _RETRY_AFTER_S,
                limit=_MOST_WAITING,
                actual=batch.waiting,
            )
        self._batch = batch
        batch.waiting += 1
        batch.signals.setdefault(token_hash, Signal()).add(exit_code)
        self._arrived.set()
        # Other callers wait for it too, so a cancelled caller must not cancel it.
        known = await asyncio.shield(batch.known)
        if token_hash not in known:
            self._metrics.signal_ended(SignalOutcome.UNKNOWN)
            raise NotFound(reasons.ERROR_REASON_HEARTBEAT_NOT_FOUND, "Heartbeat not found: unknown token.")
        self._metrics.signal_ended(SignalOutcome.SUCCESS if exit_code == 0 else SignalOutcome.FAILURE)

    async def run(self) -> None:
        """Write batches until cancelled."""
        while True:
            await self._arrived.wait()
            await asyncio.sleep(_BATCH_S)
            self._arrived.clear()
            batch, self._batch = self._batch, None
            if batch is not None:
                await self._write(batch)

    async def _write(self, batch: _Batch) -> None:
        try:
            known = await self._store.report(tuple(batch.signals.items()))
        except Exception as error:  # noqa: BLE001 — waiting callers get the error, and the next batch is written
            batch.known.set_exception(error)
            batch.known.exception()  # all callers may have gone
        else:
            batch.known.set_result(known)
