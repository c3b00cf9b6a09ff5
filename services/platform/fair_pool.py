"""A pool of places that tenants share by a dynamic threshold (docs/adr/0016). Pure.

A tenant may take another place while it holds less than a fixed multiple of the free places, the rule by which switches
share their buffers. However many a few greedy tenants take, some places stay free for the next one. Nothing is reserved
or configured.
"""

from collections import Counter
from uuid import UUID


class FairPool:
    """A pool of places.

    Args:
        capacity: the number of places.
        multiple: how many times the free places one tenant may hold. With 1 a tenant alone gets half of the places,
            with 2 two thirds.
    """

    def __init__(self, capacity: int, multiple: int) -> None:
        self._capacity = capacity
        self._multiple = multiple
        self.taken = 0
        self._of_tenant: Counter[UUID] = Counter()

    def held_by(self, tenant_id: UUID) -> int:
        """Return how many places a tenant holds."""
        return self._of_tenant.get(tenant_id, 0)

    def admits(self, tenant_id: UUID) -> bool:
        """Return whether a tenant may take another place."""
        return self.held_by(tenant_id) < self._multiple * (self._capacity - self.taken)

    def acquire(self, tenant_id: UUID) -> None:
        """Take a place for a tenant."""
        self.taken += 1
        self._of_tenant[tenant_id] += 1

    def release(self, tenant_id: UUID) -> None:
        """Return a place of a tenant."""
        self.taken -= 1
        if self._of_tenant[tenant_id] == 1:
            del self._of_tenant[tenant_id]
        else:
            self._of_tenant[tenant_id] -= 1
