"""The CPU time that each tenant's expensive work may use: a token bucket per tenant. Pure.

Ordinary runs are not charged, so the size of an installation does not slow it down. A tenant that has spent its budget
is delayed until it is refilled; other tenants are not.
"""

from uuid import UUID

from services.platform.clock import SECOND_US

CPU_SHARE = 0.25
"""Seconds of one processor that a tenant's budget gains each second."""
_BURST_US = SECOND_US
# One expensive burst must not block its tenant for minutes.
_MOST_DEBT_US = 10 * SECOND_US
_MANY = 1_000


class CpuBudget:
    """The budgets of all tenants on one worker; times are in microseconds."""

    def __init__(self) -> None:
        # By tenant: the rest, and when it was computed. A tenant that is missing here has its full budget.
        self._left: dict[UUID, tuple[float, int]] = {}

    def charge(self, tenant_id: UUID, cpu_us: int, now_us: int) -> None:
        """Charge CPU time to a tenant's budget, which may become negative."""
        self._left[tenant_id] = max(self._of(tenant_id, now_us) - cpu_us, -_MOST_DEBT_US), now_us
        if len(self._left) > _MANY:
            self._left = {each: kept for each, kept in self._left.items() if self._of(each, now_us) < _BURST_US}

    def wait_us(self, tenant_id: UUID, now_us: int) -> int:
        """Return how long a tenant has to wait before an expensive operation, in microseconds; 0 if it need not."""
        if tenant_id not in self._left:
            return 0
        left = self._of(tenant_id, now_us)
        if left >= _BURST_US:
            del self._left[tenant_id]
        return 0 if left > 0 else int(-left / CPU_SHARE) + 1

    def _of(self, tenant_id: UUID, now_us: int) -> float:
        kept = self._left.get(tenant_id)
        if kept is None:
            return _BURST_US
        left, at_us = kept
        # The clock may be stepped back.
        return min(_BURST_US, left + CPU_SHARE * max(0, now_us - at_us))
