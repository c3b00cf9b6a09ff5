"""semantics.md §13: a service's state from those of its checks."""

import pytest

from services.checks.state import CheckState
from services.monitor.model import ServiceState
from services.monitor.service_state import count_checks, service_state

UP, DOWN, UNKNOWN, OFF = CheckState.UP, CheckState.DOWN, CheckState.UNKNOWN, CheckState.PAUSED

WORKED_ON = CheckState.MAINTENANCE


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([], ServiceState.PAUSED),
        ([UP], ServiceState.UP),
        ([UP, UNKNOWN], ServiceState.UP),
        ([UNKNOWN, UNKNOWN], ServiceState.UNKNOWN),
        ([DOWN, UP], ServiceState.DEGRADED),
        ([DOWN, UNKNOWN], ServiceState.DEGRADED),
        ([DOWN, DOWN], ServiceState.DOWN),
        ([OFF, OFF], ServiceState.PAUSED),
        ([OFF, DOWN], ServiceState.DOWN),
        ([OFF, UP, DOWN], ServiceState.DEGRADED),
        ([OFF, UNKNOWN], ServiceState.UNKNOWN),
        ([OFF, UP], ServiceState.UP),
        ([WORKED_ON, WORKED_ON], ServiceState.MAINTENANCE),
        ([OFF, WORKED_ON], ServiceState.MAINTENANCE),
    ],
)
def test_a_service_is_in_what_its_checks_amount_to(checks: list[CheckState], expected: ServiceState) -> None:
    assert service_state(count_checks(checks)) is expected
