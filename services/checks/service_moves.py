"""How whoever watches services learns that there is something new: what the notification says.

Sent, in the transaction that does it, by whatever changes what a service is shown as: its settings, its checks, what
they are known to be in, their open incidents, its maintenance.
"""

from dataclasses import dataclass
from uuid import UUID

CHANNEL = "services_moved"


@dataclass(frozen=True, slots=True)
class ServiceMove:
    """A service was made, changed or deleted, or is in something else; any of the tenant's may be when it is None."""

    tenant_id: UUID
    service_id: UUID | None = None

    def payload(self) -> str:
        """As the notification carries it."""
        return f"{self.tenant_id} {self.service_id or ''}"

    @classmethod
    def parse(cls, payload: str) -> "ServiceMove":
        """From a notification."""
        tenant_id, _, service_id = payload.partition(" ")
        return cls(UUID(tenant_id), UUID(service_id) if service_id else None)
