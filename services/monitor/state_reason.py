"""The reason for the state of a check or a service, as text (semantics.md §12, §13). Pure."""

from collections.abc import Sequence

from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.checks.state import STALE_AFTER_INTERVALS, CheckState
from services.monitor.model import ServiceState, TrackedCheck

_MOST_NAMES = 3


def check_reason(row: TrackedCheck, state: CheckState, last: Result | None) -> str:
    """Return why a check is in its state.

    Args:
        row: the check and its track.
        state: the state that is shown.
        last: its latest result, if any.
    """
    track = row.track
    if state is CheckState.PAUSED:
        return "check is paused"
    if state is CheckState.MAINTENANCE:
        return "in a maintenance window"
    blocked = f": {last.error_message}" if last and last.error_kind is ErrorKind.BLOCKED_TARGET else ""
    if track.streak_outcome is None:
        waits = last is not None and last.error_kind is ErrorKind.NO_SIGNAL_YET
        return last.error_message if last and waits else f"no conclusive result yet{blocked}"
    if state is CheckState.UNKNOWN and track.state is not CheckState.UNKNOWN:
        return f"no conclusive result for {STALE_AFTER_INTERVALS} intervals{blocked}"
    settings = row.check.settings
    if track.streak_outcome is Outcome.DOWN:
        why = f": {last.error_message}" if last and last.outcome is Outcome.DOWN and last.error_message else ""
        return _run(track.streak, settings.failure_threshold, "failed", confirmed=state is CheckState.DOWN) + why
    return _run(track.streak, settings.recovery_threshold, "passed", confirmed=state is CheckState.UP)


def service_reason(state: ServiceState, checks: Sequence[tuple[str, CheckState]]) -> str:
    """Return why a service is in its state, from the names and states of its checks."""
    enabled = [check for check in checks if check[1] is not CheckState.PAUSED]
    down = [name for name, its in enabled if its is CheckState.DOWN]
    up = sum(its is CheckState.UP for _, its in enabled)
    if state is ServiceState.PAUSED:
        return "no check is enabled"
    if state is ServiceState.MAINTENANCE:
        return "in a maintenance window"
    if down:
        return f"{_share(len(down), len(enabled))} down: {_names(down)}"
    if not up:
        return "no check has a known state"
    return f"{_share(up, len(enabled))} up"


def _run(streak: int, threshold: int, verb: str, *, confirmed: bool) -> str:
    if not confirmed and streak < threshold:
        return f"{streak} of {threshold} {_slots(threshold)} {verb}"
    return f"{streak} consecutive {_slots(streak)} {verb}" if streak > 1 else f"the last slot {verb}"


def _slots(number: int) -> str:
    return "slot" if number == 1 else "slots"


def _share(some: int, every: int) -> str:
    return f"{some} of {every} {'check' if every == 1 else 'checks'} {'is' if some == 1 else 'are'}"


def _names(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
