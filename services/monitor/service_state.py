"""The state of a service, from the states of its checks (semantics.md §13). Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.checks.state import CheckState, Track, known_state
from services.monitor.model import ServiceState


@dataclass(frozen=True, slots=True)
class CheckCounts:
    """Counts of a service's enabled checks: all, those that are DOWN, and those whose state is known.

    Attributes:
        maintained: whether the service is in a maintenance window.
    """

    enabled: int
    down: int
    known: int
    maintained: bool = False


@dataclass(frozen=True, slots=True)
class CurrentState:
    """The state of a check.

    Attributes:
        state: the state; never MAINTENANCE, which belongs to the service.
        since_us: the time since which it has the state; None if the state was never known.
        clear_us: the time since which it has certainly not been DOWN; None if it is DOWN or was never known.
    """

    state: CheckState
    since_us: int | None
    clear_us: int | None


def current_state(track: Track, interval_us: int, pause_us: int | None, now: int) -> CurrentState:
    """Return the state of a check, ignoring maintenance.

    Args:
        track: the track of its results.
        interval_us: its interval in microseconds.
        pause_us: when it was paused; None while it is enabled.
        now: the present time in microseconds.
    """
    if pause_us is not None:
        return CurrentState(CheckState.PAUSED, pause_us, None)
    state, since_us = known_state(track, interval_us, now)
    if state is CheckState.DOWN:
        return CurrentState(state, since_us, None)
    return CurrentState(state, since_us, since_us if track.state is CheckState.DOWN else track.state_us)


def count_checks(checks: Iterable[CheckState]) -> CheckCounts:
    """Return the counts of checks in these states."""
    enabled = [state for state in checks if state is not CheckState.PAUSED]
    return CheckCounts(
        len(enabled),
        sum(state is CheckState.DOWN for state in enabled),
        sum(state is not CheckState.UNKNOWN for state in enabled),
        CheckState.MAINTENANCE in enabled,
    )


def service_state(checks: CheckCounts) -> ServiceState:
    """Return the state of a service from the counts of its checks."""
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


def service_since(state: ServiceState, checks: Sequence[CurrentState]) -> int | None:
    """Return the time since which a service has certainly been in its state; None if unknown.

    Only the present states of its checks are used, so the service may have been in its state for longer: if one check
    was DOWN, then a second one, too, and then the first one recovered, the result is the time of the last change.

    Args:
        state: the service's state; not MAINTENANCE.
        checks: the states of its checks.
    """
    # The state of a check before its pause counted; the state that it would have now does not.
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
