"""How many runs each tenant may have under way, and how many each target host bears (semantics.md §20). Pure.

A part of a whole may take one more while it has less than a fixed multiple of what is free (the dynamic threshold that
switches share their buffers by). One tenant alone gets two thirds; whatever a few greedy ones do, something stays free
for the next, who so never waits for their runs to time out. Nothing is reserved, nothing has to be configured.
"""

from collections import Counter
from typing import TypeVar
from uuid import UUID

_MULTIPLE = 2
_Key = TypeVar("_Key")


class Shares:
    """Places for runs, on the whole worker and at each target host.

    Args:
        capacity: how many runs may be under way.
        per_target: how many of them at one target host.
    """

    def __init__(self, capacity: int, per_target: int) -> None:
        self._capacity = capacity
        self._per_target = per_target
        self.taken = 0
        self._of_tenant: Counter[UUID] = Counter()
        self._at_target: Counter[str] = Counter()
        self._of_tenant_at_target: Counter[tuple[UUID, str]] = Counter()

    def admits_tenant(self, tenant_id: UUID) -> bool:
        """Whether a tenant may begin one more run somewhere."""
        return self._of_tenant.get(tenant_id, 0) < _MULTIPLE * (self._capacity - self.taken)

    def admits_target(self, tenant_id: UUID, target: str) -> bool:
        """Whether a tenant may begin one more run at a target host."""
        free = self._per_target - self._at_target.get(target, 0)
        return self._of_tenant_at_target.get((tenant_id, target), 0) < _MULTIPLE * free

    def take(self, tenant_id: UUID, target: str) -> None:
        """A run begins."""
        self.taken += 1
        self._of_tenant[tenant_id] += 1
        self._at_target[target] += 1
        self._of_tenant_at_target[tenant_id, target] += 1

    def give_back(self, tenant_id: UUID, target: str) -> None:
        """A run has ended."""
        self.taken -= 1
        _less(self._of_tenant, tenant_id)
        _less(self._at_target, target)
        _less(self._of_tenant_at_target, (tenant_id, target))


def _less(counts: Counter[_Key], key: _Key) -> None:
    if counts[key] == 1:
        del counts[key]
    else:
        counts[key] -= 1
