"""How many runs each tenant may have under way, and how many each target host bears (semantics.md §20). Pure.

A part of a whole may take one more while it has less than a fixed multiple of what is free (the dynamic threshold that
switches share their buffers by). One tenant alone gets two thirds; whatever a few greedy ones do, something stays free
for the next, who so never waits for their runs to time out. Nothing is reserved, nothing has to be configured
(docs/adr/0016).
"""

from collections import Counter
from uuid import UUID

from services.worker.schedule import ScheduledCheck

_MULTIPLE = 2


class Pool:
    """Places that tenants share.

    Args:
        capacity: how many there are.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self.taken = 0
        self._of_tenant: Counter[UUID] = Counter()

    def admits(self, tenant_id: UUID) -> bool:
        """Whether a tenant may take one more."""
        return self._of_tenant.get(tenant_id, 0) < _MULTIPLE * (self._capacity - self.taken)

    def take(self, tenant_id: UUID) -> None:
        """A tenant takes one."""
        self.taken += 1
        self._of_tenant[tenant_id] += 1

    def give_back(self, tenant_id: UUID) -> None:
        """A tenant gives one back."""
        self.taken -= 1
        if self._of_tenant[tenant_id] == 1:
            del self._of_tenant[tenant_id]
        else:
            self._of_tenant[tenant_id] -= 1


class Shares:
    """Places for runs: on the whole worker, at each target host, and for answers whose bodies are kept in memory.

    Args:
        capacity: how many runs may be under way.
        per_target: how many of them at one target host.
        bodies: how many of them may keep a body, which may be as large as a body can be.
    """

    def __init__(self, capacity: int, per_target: int, bodies: int) -> None:
        self._all = Pool(capacity)
        self._bodies = Pool(bodies)
        self._per_target = per_target
        self._targets: dict[str, Pool] = {}

    @property
    def taken(self) -> int:
        """How many runs are under way."""
        return self._all.taken

    def admits_tenant(self, tenant_id: UUID, *, keeps_body: bool) -> bool:
        """Whether a tenant may begin one more run somewhere."""
        return self._all.admits(tenant_id) and (not keeps_body or self._bodies.admits(tenant_id))

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
            pool = self._targets[check.target] = Pool(self._per_target)
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
