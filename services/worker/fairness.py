"""How many runs each tenant may have under way, and how many each target host bears (semantics.md §20). Pure.

Places are shared by a dynamic threshold (fair_pool.py): one tenant alone gets two thirds, and something stays free for
the next, which so never waits for the runs of others to time out.
"""

from uuid import UUID

from services.platform.fair_pool import FairPool
from services.worker.cpu_budget import CpuBudget
from services.worker.schedule import ScheduledCheck

_MULTIPLE = 2


class Shares:
    """Places for runs: on the whole worker, at each target host, and for answers whose bodies are kept in memory.

    Args:
        capacity: how many runs may be under way.
        per_target: how many of them at one target host.
        bodies: how many of them may keep a body, which may be as large as a body can be.
        budget: says which tenants have to wait, since their runs cost too much.

    Attributes:
        now_us: the time, which whoever asks sets first.
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
        """How many runs are under way."""
        return self._all.taken

    def admits_tenant(self, tenant_id: UUID, *, keeps_body: bool) -> bool:
        """Whether a tenant may begin one more run somewhere."""
        return (
            self._all.admits(tenant_id)
            and (not keeps_body or self._bodies.admits(tenant_id))
            and not self._budget.wait_us(tenant_id, self.now_us)
        )

    def admits_target(self, tenant_id: UUID, target: str) -> bool:
        """Whether a tenant may begin one more run at a target host."""
        pool = self._targets.get(target)
        return pool is None or pool.admits(tenant_id)

    def take(self, check: ScheduledCheck) -> None:
        """A run of a check begins."""
        self._all.take(check.tenant_id)
        if check.spec.reads_body:
            self._bodies.take(check.tenant_id)
        pool = self._targets.get(check.target)
        if pool is None:
            pool = self._targets[check.target] = FairPool(self._per_target, _MULTIPLE)
        pool.take(check.tenant_id)

    def give_back(self, check: ScheduledCheck) -> None:
        """A run of a check, as it was when that began, has ended."""
        self._all.give_back(check.tenant_id)
        if check.spec.reads_body:
            self._bodies.give_back(check.tenant_id)
        pool = self._targets[check.target]
        pool.give_back(check.tenant_id)
        if not pool.taken:
            del self._targets[check.target]
