"""The shown state of a service, and when time alone changes it (semantics.md §12, §13).

Pure; times in microseconds since the Unix epoch.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.checks.maintenance import in_maintenance
from services.checks.state import STALE_AFTER_INTERVALS, CheckState, Track
from services.monitor.model import Service, ServiceState
from services.monitor.service_state import CheckCounts, CurrentState, current_state, service_since, service_state
from services.monitor.state_reason import service_reason

_FINGERPRINTED = struct.Struct(">16sqBqq")
_NEVER = -1


@dataclass(frozen=True, slots=True)
class RecordedCheck:
    """The recorded data of a check.

    Attributes:
        name: its name.
        interval_us: its interval in microseconds.
        track: the track of its results, without its streak.
        pause_us: when it was paused; None while it is enabled.
    """

    name: str
    interval_us: int
    track: Track
    pause_us: int | None = None

    def current_state(self, now: int) -> CurrentState:
        """Return its state, ignoring maintenance."""
        return current_state(self.track, self.interval_us, self.pause_us, now)

    def stale_us(self) -> int | None:
        """Return when it becomes UNKNOWN without further results; None if it is paused or UNKNOWN."""
        verdict_us = self.track.verdict_us
        if self.pause_us is not None or self.track.state is CheckState.UNKNOWN or verdict_us is None:
            return None
        return verdict_us + STALE_AFTER_INTERVALS * self.interval_us + 1


@dataclass(frozen=True, slots=True)
class RecordedService:
    """The recorded data of a service.

    Attributes:
        service: the service.
        open_incidents: how many incidents of its checks are open.
        checks: its checks, oldest first.
        maintenance: the maintenance spans [start, end) that are in progress or begin soon.
    """

    service: Service
    open_incidents: int
    checks: Sequence[RecordedCheck]
    maintenance: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSnapshot:
    """The shown state of a service.

    Attributes:
        service: the service.
        state: its state.
        state_us: the time since which it has certainly been in the state; None if unknown.
        reason: the reason of the state, as text.
        open_incidents: how many incidents of its checks are open.
        fingerprint: a 32-bit hash of all other fields, the same in all processes.
    """

    service: Service
    state: ServiceState
    state_us: int | None
    reason: str
    open_incidents: int
    fingerprint: int

    @classmethod
    def of(
        cls, service: Service, state: ServiceState, state_us: int | None, reason: str, open_incidents: int
    ) -> "ServiceSnapshot":
        """Return a snapshot with its fingerprint."""
        moment = _NEVER if state_us is None else state_us
        packed = _FINGERPRINTED.pack(service.id.bytes, service.update_us, state, moment, open_incidents)
        fingerprint = int.from_bytes(hashlib.blake2b(packed + reason.encode(), digest_size=4).digest())
        return cls(
            service=service,
            state=state,
            state_us=state_us,
            reason=reason,
            open_incidents=open_incidents,
            fingerprint=fingerprint,
        )


TenantSnapshot = dict[UUID, ServiceSnapshot]
"""The shown states of all services of a tenant, by id."""


def service_snapshot(recorded: RecordedService, now: int) -> ServiceSnapshot:
    """Return the shown state of a service."""
    checks = [check.current_state(now) for check in recorded.checks]
    enabled = [check.state for check in checks if check.state is not CheckState.PAUSED]
    maintained = in_maintenance(now, recorded.maintenance)
    down, unknown = enabled.count(CheckState.DOWN), enabled.count(CheckState.UNKNOWN)
    state = service_state(CheckCounts(len(enabled), down, len(enabled) - unknown, maintained))
    if state is ServiceState.MAINTENANCE:
        since_us: int | None = min(start_us for start_us, end_us in recorded.maintenance if start_us <= now < end_us)
    else:
        since_us = service_since(state, checks)
    named = [(check.name, each.state) for check, each in zip(recorded.checks, checks, strict=True)]
    return ServiceSnapshot.of(recorded.service, state, since_us, service_reason(state, named), recorded.open_incidents)


def next_change_us(recorded: Iterable[RecordedService], now: int) -> int | None:
    """Return when the shown state of some service next changes by time alone, in microseconds; None for never."""
    return min((moment for each in recorded for moment in _change_times(each) if moment > now), default=None)


def _change_times(recorded: RecordedService) -> Iterator[int]:
    for span in recorded.maintenance:
        yield from span
    for check in recorded.checks:
        stale_us = check.stale_us()
        if stale_us is not None:
            yield stale_us
