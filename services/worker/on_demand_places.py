"""The capacity of on-demand runs, which tenants share. Pure.

A run may take minutes, so a few tenants could occupy all places for as long. Half of the places are therefore for
tenants without a run.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import ResourceExhausted

_AT_ONCE = 32
_AT_ONCE_A_TENANT = 8
_RETRY_AFTER_S = 1.0


class OnDemandPlaces:
    """The places of one worker."""

    def __init__(self) -> None:
        self._held: Counter[UUID] = Counter()

    @property
    def taken(self) -> int:
        """How many runs are in progress."""
        return self._held.total()

    @contextmanager
    def holding(self, tenant_id: UUID) -> Iterator[None]:
        """Hold a place inside the block.

        Raises:
            ResourceExhausted: OVERLOADED.
        """
        limit, held = self._limit(), self._held[tenant_id]
        if held >= limit:
            raise ResourceExhausted(
                reasons.ERROR_REASON_OVERLOADED,
                f"Too many on-demand runs: this tenant has {held} in progress, current limit {limit}. Try again later.",
                _RETRY_AFTER_S,
                limit=limit,
                actual=held,
            )
        self._held[tenant_id] += 1
        try:
            yield
        finally:
            self._held[tenant_id] -= 1
            if not self._held[tenant_id]:
                del self._held[tenant_id]

    def _limit(self) -> int:
        """Return how many runs one tenant may have now."""
        free = _AT_ONCE - self.taken
        if free > _AT_ONCE // 2:
            return _AT_ONCE_A_TENANT
        return 1 if free else 0
