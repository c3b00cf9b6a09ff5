"""What a service is in, from the states of its enabled checks (semantics.md §13). Pure."""

from collections.abc import Sequence

from services.common.state import CheckState
from services.monitor.model import ServiceState


def service_state(checks: Sequence[CheckState]) -> ServiceState:
    """The state of a service whose enabled checks are in these states."""
    if not checks:
        return ServiceState.PAUSED
    down = sum(state is CheckState.DOWN for state in checks)
    if down == len(checks):
        return ServiceState.DOWN
    if down:
        return ServiceState.DEGRADED
    if all(state is CheckState.UNKNOWN for state in checks):
        return ServiceState.UNKNOWN
    return ServiceState.UP
