"""semantics.md §13: a service's state from those of its checks."""

import pytest

from services.common.state import CheckState
from services.monitor.model import ServiceState
from services.monitor.service_state import service_state

UP, DOWN, UNKNOWN = CheckState.UP, CheckState.DOWN, CheckState.UNKNOWN


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
    ],
)
def test_a_service_is_in_what_its_checks_amount_to(checks: list[CheckState], expected: ServiceState) -> None:
    assert service_state(checks) is expected
