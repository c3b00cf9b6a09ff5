"""A connection pool that closes idle connections: each takes 2 to 7 MB in PostgreSQL."""

import time
from typing import Any

from sqlalchemy.pool import AsyncAdaptedQueuePool
from sqlalchemy.pool.base import ConnectionPoolEntry

IDLE_S = 10.0
"""The idle time in seconds after which a connection is closed. Opening one takes some milliseconds."""


class Surplus:
    """Decides how many idle connections to close: as many as were idle at every moment of a time window. Pure.

    Args:
        window_s: the length of the window.
        now_s: monotonic seconds.
    """

    def __init__(self, window_s: float, now_s: float) -> None:
        self._window_s = window_s
        self._ends_s = now_s + window_s
        self._fewest: int | None = None
        self._surplus = 0

    def taken(self, idle: int) -> None:
        """Record that a connection was taken, and how many were left idle."""
        self._fewest = idle if self._fewest is None else min(self._fewest, idle)

    def closes_returned(self, idle: int, now_s: float) -> bool:
        """Return whether to close a returned connection, while `idle` others are in the pool."""
        if now_s >= self._ends_s:
            self._surplus, self._fewest = self._fewest or 0, None
            self._ends_s = now_s + self._window_s
        # If none is idle, a caller may be waiting for this one.
        if not self._surplus or not idle:
            return False
        self._surplus -= 1
        return True


class ShrinkingPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool, which would otherwise keep the most connections ever used at a time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 — the signature of SQLAlchemy's pools
        super().__init__(*arguments, **options)
        self._idle = Surplus(IDLE_S, time.monotonic())

    def _do_get(self) -> ConnectionPoolEntry:
        entry = super()._do_get()
        self._idle.taken(self.checkedin())
        return entry

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        if not self._idle.closes_returned(self.checkedin(), time.monotonic()):
            super()._do_return_conn(record)
            return
        try:
            record.close()
        finally:
            self._dec_overflow()
