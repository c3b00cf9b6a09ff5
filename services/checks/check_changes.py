"""How a change of a check reaches its worker (semantics.md §7): what the notification says."""

from dataclasses import dataclass
from uuid import UUID

CHANNEL = "check_changed"
# The payload is a tenant's id: all its checks are to be looked at again, since it was suspended or goes on.
TENANT_CHANNEL = "tenant_changed"


@dataclass(frozen=True, slots=True)
class CheckChange:
    """A check was made, changed or deleted: look at it again."""

    shard: int
    tenant_id: UUID
    check_id: UUID

    def payload(self) -> str:
        """As the notification carries it."""
        return f"{self.shard} {self.tenant_id} {self.check_id}"

    @classmethod
    def parse(cls, payload: str) -> "CheckChange":
        """From a notification."""
        shard, tenant_id, check_id = payload.split(" ")
        return cls(int(shard), UUID(tenant_id), UUID(check_id))
