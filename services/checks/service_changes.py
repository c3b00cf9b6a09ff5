"""The notification that the shown state of a service has changed, for WatchServices.

It is sent in the transaction of each change of a service, its checks, their states, its open incidents or its
maintenance.
"""

from dataclasses import dataclass
from uuid import UUID

CHANNEL = "services_moved"


@dataclass(frozen=True, slots=True)
class ServiceChange:
    """A possible change of the shown state of a service, or of all services of the tenant if `service_id` is None."""

    tenant_id: UUID
    service_id: UUID | None = None

    def payload(self) -> str:
        """Return the payload of the notification."""
        return f"{self.tenant_id} {self.service_id or ''}"

    @classmethod
    def parse(cls, payload: str) -> "ServiceChange":
        """Parse the payload of a notification."""
        tenant_id, _, service_id = payload.partition(" ")
        return cls(UUID(tenant_id), UUID(service_id) if service_id else None)
