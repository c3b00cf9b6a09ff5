"""What a service is shown as to whoever watches it, and when time alone changes that (semantics.md §12, §13).

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
from services.monitor.service_state import Seen, Tally, seen, service_since, service_state
from services.monitor.state_reason import service_reason

_MARKED = struct.Struct(">16sqBqq")
_NEVER = -1


@dataclass(frozen=True, slots=True)
class RecordedCheck:
    """What is recorded of a check.

    Attributes:
        name: its name.
        interval_us: from one slot to the next.
        track: what its results amount to; without its streak.
        pause_us: since when it is paused; None while it is enabled.
    """

    name: str
    interval_us: int
    track: Track
    pause_us: int | None = None

    def seen(self, now: int) -> Seen:
        """What it is in now, were there no maintenance."""
        return seen(self.track, self.interval_us, self.pause_us, now)

    def stale_us(self) -> int | None:
        """The first moment at which it is UNKNOWN unless a result tells before; None if none has told yet."""
        verdict_us = self.track.verdict_us
        if self.pause_us is not None or self.track.state is CheckState.UNKNOWN or verdict_us is None:
            return None
        return verdict_us + STALE_AFTER_INTERVALS * self.interval_us + 1


@dataclass(frozen=True, slots=True)
class RecordedService:
    """What is recorded of a service.

    Attributes:
        service: the service.
        open_incidents: how many incidents of its checks are open.
        checks: its checks, oldest first.
        maintenance: the spans [start, end) of maintenance that go on or begin soon.
    """

    service: Service
    open_incidents: int
    checks: Sequence[RecordedCheck]
    maintenance: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a service is shown as.

    Attributes:
        service: the service.
        state: what it is in.
        state_us: since when for certain; None where its checks do not tell.
        reason: why, in words.
        open_incidents: how many incidents of its checks are open.
        mark: 32 bits that differ whenever any of it differs; the same in all processes.
    """

    service: Service
    state: ServiceState
    state_us: int | None
    reason: str
    open_incidents: int
    mark: int

    @classmethod
    def of(
        cls, service: Service, state: ServiceState, state_us: int | None, reason: str, open_incidents: int
    ) -> "Standing":
        """With its mark."""
        moment = _NEVER if state_us is None else state_us
        packed = _MARKED.pack(service.id.bytes, service.update_us, state, moment, open_incidents)
        mark = int.from_bytes(hashlib.blake2b(packed + reason.encode(), digest_size=4).digest())
        return cls(
            service=service,
            state=state,
            state_us=state_us,
            reason=reason,
            open_incidents=open_incidents,
            mark=mark,
        )


Picture = dict[UUID, Standing]
"""What all services of a tenant are shown as, by their ids."""


def standing_of(recorded: RecordedService, now: int) -> Standing:
    """What a service is shown as now."""
    checks = [check.seen(now) for check in recorded.checks]
    enabled = [check.state for check in checks if check.state is not CheckState.PAUSED]
    maintained = in_maintenance(now, recorded.maintenance)
    down, unknown = enabled.count(CheckState.DOWN), enabled.count(CheckState.UNKNOWN)
    state = service_state(Tally(len(enabled), down, len(enabled) - unknown, maintained))
    if state is ServiceState.MAINTENANCE:
        since_us: int | None = min(start_us for start_us, end_us in recorded.maintenance if start_us <= now < end_us)
    else:
        since_us = service_since(state, checks)
    named = [(check.name, each.state) for check, each in zip(recorded.checks, checks, strict=True)]
    return Standing.of(recorded.service, state, since_us, service_reason(state, named), recorded.open_incidents)


def next_move_us(recorded: Iterable[RecordedService], now: int) -> int | None:
    """The next moment at which some service may be shown as something else though nothing is recorded; None: never."""
    return min((moment for each in recorded for moment in _moves_of(each) if moment > now), default=None)


def _moves_of(recorded: RecordedService) -> Iterator[int]:
    for span in recorded.maintenance:
        yield from span
    for check in recorded.checks:
        stale_us = check.stale_us()
        if stale_us is not None:
            yield stale_us
