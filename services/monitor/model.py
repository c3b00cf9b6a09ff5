"""What monitor is about: services, the checks on them, and what is known of both. Times in microseconds."""

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
    """What a service is in. The numbers are the contract's."""

    UP = 1
    DEGRADED = 2
    DOWN = 3
    UNKNOWN = 4
    PAUSED = 5
    MAINTENANCE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something that a team runs and watches."""

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
        """Differs whenever the service was changed."""
        return _etag(self.id, self.update_us)

    def audited(self) -> dict[str, object]:
        """What the audit log shows of the service."""
        return {"name": self.name, "url": self.url, "description": self.description, "labels": self.labels}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that is probed on a schedule.

    Attributes:
        update_us: when it was last changed, paused or resumed; later each time, whatever the clock does.
        pause_us: since when it is paused; None while it is enabled.
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
        """Whether it is probed."""
        return self.pause_us is None

    @property
    def etag(self) -> str:
        """Differs whenever the check was changed, paused or resumed."""
        return _etag(self.id, self.update_us)

    def audited(self) -> dict[str, object]:
        """What the audit log shows of the check; nothing that may be a secret."""
        return {
            "serviceId": str(self.service_id),
            "name": self.name,
            self.spec.KIND: self.spec.audited(),
            **self.settings.audited(),
            "enabled": self.enabled,
        }


@dataclass(frozen=True, slots=True)
class TrackedCheck:
    """A check, what its results amount to, and since when it is inside a maintenance window; None when outside."""

    check: Check
    track: Track
    maintenance_us: int | None = None

    def known(self, now: int) -> tuple[CheckState, int | None]:
        """What the check is in now, and since when (semantics.md §12)."""
        if self.check.pause_us is not None:
            return CheckState.PAUSED, self.check.pause_us
        if self.maintenance_us is not None:
            return CheckState.MAINTENANCE, self.maintenance_us
        return known_state(self.track, self.check.settings.interval_us, now)


@dataclass(frozen=True, slots=True)
class MadeCheck(TrackedCheck):
    """A check that was made just now, and for a heartbeat what its signals are sent with; empty for others."""

    heartbeat_token: str = ""


@dataclass(frozen=True, slots=True)
class StatefulService:
    """A service, what it is in, its open incidents, and where it is shown the figures of its latest 24 closed hours."""

    service: Service
    state: ServiceState
    open_incidents: int
    latest_day: Figures | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStatus:
    """What a check is in, since when, its latest result, and why it is in that, in words."""

    check: Check
    state: CheckState
    state_us: int | None
    last: Result | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """What a service is in, since when for certain, how it was, and why."""

    service_id: UUID
    state: ServiceState
    state_us: int | None
    uptime: Sequence[tuple[str, Figures]]
    checks: Sequence[CheckStatus]
    open_incidents: int
    reason: str


def _etag(resource_id: UUID, update_us: int) -> str:
    return hashlib.sha256(f"{resource_id} {update_us}".encode()).hexdigest()[:16]
