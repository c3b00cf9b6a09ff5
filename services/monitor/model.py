"""The domain objects of monitor: services, checks, and their states. Times are in microseconds since the epoch."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from services.checks.check_settings import CheckSettings
from services.checks.result import Result
from services.checks.specs.spec import Spec
from services.checks.state import CheckState, Track, known_state
from services.monitor.figures.uptime import Figures


class ServiceState(IntEnum):
    """The state of a service (semantics.md §13). The numbers are the contract's."""

    UP = 1
    DEGRADED = 2
    DOWN = 3
    UNKNOWN = 4
    PAUSED = 5
    MAINTENANCE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service of a tenant."""

    tenant_id: UUID
    id: UUID
    name: str
    url: str
    description: str
    labels: dict[str, str]
    create_us: int
    update_us: int

    @property
    def etag(self) -> str:
        """A version of the service, for optimistic concurrency."""
        return _etag(self.id, self.update_us)

    def audited(self) -> dict[str, object]:
        """Return the service's fields for the audit log."""
        return {"name": self.name, "url": self.url, "description": self.description, "labels": self.labels}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check of a service.

    Attributes:
        update_us: when it was last changed, paused or resumed; strictly increasing, even if the clock steps back.
        pause_us: when it was paused; None while it is enabled.
    """

    tenant_id: UUID
    id: UUID
    service_id: UUID
    name: str
    spec: Spec
    settings: CheckSettings
    create_us: int
    update_us: int
    pause_us: int | None = None

    @property
    def enabled(self) -> bool:
        """Whether it is scheduled."""
        return self.pause_us is None

    @property
    def etag(self) -> str:
        """A version of the check, for optimistic concurrency."""
        return _etag(self.id, self.update_us)

    def audited(self) -> dict[str, object]:
        """Return the check's fields for the audit log, without secrets."""
        return {
            "serviceId": str(self.service_id),
            "name": self.name,
            self.spec.KIND: self.spec.audited(),
            **self.settings.audited(),
            "enabled": self.enabled,
        }


@dataclass(frozen=True, slots=True)
class TrackedCheck:
    """A check, its track, and the start of its present maintenance in microseconds (None outside)."""

    check: Check
    track: Track
    maintenance_us: int | None = None

    def known(self, now: int) -> tuple[CheckState, int | None]:
        """Return the check's state, and the time since which it has it (semantics.md §12)."""
        if self.check.pause_us is not None:
            return CheckState.PAUSED, self.check.pause_us
        if self.maintenance_us is not None:
            return CheckState.MAINTENANCE, self.maintenance_us
        return known_state(self.track, self.check.settings.interval_us, now)


@dataclass(frozen=True, slots=True)
class CreatedCheck(TrackedCheck):
    """A check that was just created; a heartbeat has its token, other kinds an empty one."""

    heartbeat_token: str = ""


@dataclass(frozen=True, slots=True)
class StatefulService:
    """A service, its state, its open incidents, and the figures of its latest 24 closed hours if they are shown."""

    service: Service
    state: ServiceState
    open_incidents: int
    latest_day: Figures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStatus:
    """A check, its state with time and reason, and its latest result."""

    check: Check
    state: CheckState
    state_us: int | None
    last: Result | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """The state of a service with time and reason, its uptime and its checks."""

    service_id: UUID
    state: ServiceState
    state_us: int | None
    uptime: Sequence[tuple[str, Figures]]
    checks: Sequence[CheckStatus]
    open_incidents: int
    reason: str


def _etag(resource_id: UUID, update_us: int) -> str:
    return hashlib.sha256(f"{resource_id} {update_us}".encode()).hexdigest()[:16]
