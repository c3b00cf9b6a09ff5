"""What a service is in, from the states of its checks (semantics.md §13). Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.checks.state import CheckState, Track, known_state
from services.monitor.model import ServiceState


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of a service's checks are enabled; of these, how many are DOWN, and of how many the state is known.

    Attributes:
        maintained: whether the service, and so each of its checks, is inside a maintenance window.
    """

    enabled: int
    down: int
    known: int
    maintained: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check is in.

    Attributes:
        state: the state; never MAINTENANCE, which is the service's.
        since_us: since when; None while UNKNOWN from the start.
        clear_us: since when it has not been DOWN, for certain; None while it is, or has never been.
    """

    state: CheckState
    since_us: int | None
    clear_us: int | None


def seen(track: Track, interval_us: int, pause_us: int | None, now: int) -> Seen:
    """What a check is in now, were there no maintenance.

    Args:
        track: what its results amount to.
        interval_us: from one slot to the next.
        pause_us: since when it is paused; None while it is enabled.
        now: the time.
    """
    if pause_us is not None:
        return Seen(CheckState.PAUSED, pause_us, None)
    state, since_us = known_state(track, interval_us, now)
    if state is CheckState.DOWN:
        return Seen(state, since_us, None)
    return Seen(state, since_us, since_us if track.state is CheckState.DOWN else track.state_us)


def tally(checks: Iterable[CheckState]) -> Tally:
    """The tally of checks in these states."""
    enabled = [state for state in checks if state is not CheckState.PAUSED]
    return Tally(
        len(enabled),
        sum(state is CheckState.DOWN for state in enabled),
        sum(state is not CheckState.UNKNOWN for state in enabled),
        CheckState.MAINTENANCE in enabled,
    )


def service_state(checks: Tally) -> ServiceState:
    """The state of a service with such checks."""
    if not checks.enabled:
        return ServiceState.PAUSED
    if checks.maintained:
        return ServiceState.MAINTENANCE
    if checks.down == checks.enabled:
        return ServiceState.DOWN
    if checks.down:
        return ServiceState.DEGRADED
    if not checks.known:
        return ServiceState.UNKNOWN
    return ServiceState.UP


def service_since(state: ServiceState, checks: Sequence[Seen]) -> int | None:
    """Since when a service is in its state for certain, as far as its checks' present states tell.

    What a check was in before is not looked up, so the service may have been in its state for longer: where one check
    was DOWN, then another too, then the first no more, it counts from then.

    Args:
        state: the service's state, of these checks; not MAINTENANCE.
        checks: what its checks are in.
    """
    # What a check was in before it was paused counted; what it would be in now does not.
    known = [check.since_us for check in checks if check.state is CheckState.PAUSED]
    enabled = [check for check in checks if check.state is not CheckState.PAUSED]
    down = [check.since_us or 0 for check in enabled if check.state is CheckState.DOWN]
    if state is ServiceState.DEGRADED:
        known += [min(down), min(check.clear_us or 0 for check in enabled if check.state is not CheckState.DOWN)]
    elif state is ServiceState.UP:
        known += [check.clear_us for check in enabled]
        known.append(min(check.since_us or 0 for check in enabled if check.state is CheckState.UP))
    else:
        known += [check.since_us for check in enabled]
    return max((moment for moment in known if moment), default=None)
