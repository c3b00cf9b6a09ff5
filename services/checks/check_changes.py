"""The notification that a check has changed, for its worker (semantics.md §7)."""

from dataclasses import dataclass
from uuid import UUID

CHANNEL = "check_changed"
# The payload is a tenant's id: its checks have to be read again, because it was suspended or resumed.
TENANT_CHANNEL = "tenant_changed"


@dataclass(frozen=True, slots=True)
class CheckChange:
    """A check was created, changed or deleted, and has to be read again."""

    shard: int
    tenant_id: UUID
    check_id: UUID

    def payload(self) -> str:
        """Return the payload of the notification."""
        return f"{self.shard} {self.tenant_id} {self.check_id}"

    @classmethod
    def parse(cls, payload: str) -> "CheckChange":
        """Parse the payload of a notification."""
        shard, tenant_id, check_id = payload.split(" ")
        return cls(int(shard), UUID(tenant_id), UUID(check_id))
