"""The capacity of runs by tenant and by target host (semantics.md §20). Pure.

Places are shared by a dynamic threshold (fair_pool.py): one tenant alone gets two thirds, and some stay free for the
next one, which therefore never waits for the runs of others to time out.
"""

from uuid import UUID

from services.platform.fair_pool import FairPool
from services.worker.cpu_budget import CpuBudget
from services.worker.schedule import ScheduledCheck

_MULTIPLE = 2


class ConcurrencyLimits:
    """Places for runs: on the whole worker, per target host, and for response bodies in memory.

    Args:
        capacity: how many runs may be in progress.
        per_target: how many of them at one target host.
        bodies: how many of them may keep a body, which may have the maximum size.
        budget: delays tenants that have spent their CPU time.

    Attributes:
        now_us: the present time, which the caller sets first.
    """

    def __init__(self, capacity: int, per_target: int, bodies: int, budget: CpuBudget) -> None:
        self._budget = budget
        self.now_us = 0
        self._all = FairPool(capacity, _MULTIPLE)
        self._bodies = FairPool(bodies, _MULTIPLE)
        self._per_target = per_target
        self._targets: dict[str, FairPool] = {}

    @property
    def taken(self) -> int:
        """How many runs are in progress."""
        return self._all.taken

    def admits_tenant(self, tenant_id: UUID, *, keeps_body: bool) -> bool:
        """Return whether a tenant may begin another run somewhere."""
        return (
            self._all.admits(tenant_id)
            and (not keeps_body or self._bodies.admits(tenant_id))
            and not self._budget.wait_us(tenant_id, self.now_us)
        )

    def admits_target(self, tenant_id: UUID, target: str) -> bool:
        """Return whether a tenant may begin another run at a target host."""
        pool = self._targets.get(target)
        return pool is None or pool.admits(tenant_id)

    def acquire(self, check: ScheduledCheck) -> None:
        """Take the places for a run of a check."""
        self._all.acquire(check.tenant_id)
        if check.spec.reads_body:
            self._bodies.acquire(check.tenant_id)
        pool = self._targets.get(check.target)
        if pool is None:
            pool = self._targets[check.target] = FairPool(self._per_target, _MULTIPLE)
        pool.acquire(check.tenant_id)

    def release(self, check: ScheduledCheck) -> None:
        """Return the places of a run; the check is the one with which it began."""
        self._all.release(check.tenant_id)
        if check.spec.reads_body:
            self._bodies.release(check.tenant_id)
        pool = self._targets[check.target]
        pool.release(check.tenant_id)
        if not pool.taken:
            del self._targets[check.target]
