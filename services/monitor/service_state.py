"""What a service is in, from the states of its checks (semantics.md §13). Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.common.state import CheckState
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
