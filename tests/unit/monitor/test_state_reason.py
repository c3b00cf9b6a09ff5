"""Why a check or a service is in its state, in words."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from services.checks.check_settings import CheckSettings
from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.checks.specs.http import HttpSpec
from services.checks.state import CheckState, Track, advance, known_state
from services.monitor.model import Check, TrackedCheck
from services.monitor.service_state import count_checks, service_state
from services.monitor.state_reason import check_reason, service_reason

UP, DOWN, ERROR, MISSED = Outcome.UP, Outcome.DOWN, Outcome.ERROR, Outcome.MISSED
STEP = 10_000_000


def a_check(name: str = "home", pause_us: int | None = None) -> Check:
    """A check that is DOWN after three failures and UP after two passes."""
    one = UUID(int=1)
    return Check(
        tenant_id=one,
        id=one,
        service_id=one,
        name=name,
        spec=HttpSpec(url="http://t.test/"),
        settings=CheckSettings(interval_us=STEP, failure_threshold=3, recovery_threshold=2),
        create_us=0,
        update_us=0,
        pause_us=pause_us,
    )


def reason(history: Sequence[Outcome], *, idle: int = 0, pause_us: int | None = None, blocked_by: str = "") -> str:
    """Why a check with this history is in its state, so many intervals behind its last slot."""
    track = Track()
    last = None
    for number, outcome in enumerate(history):
        track = advance(track, number * STEP, outcome, 3, 2)
        is_blocked = outcome is ERROR and bool(blocked_by)
        message = "connection refused" if outcome is DOWN else blocked_by if is_blocked else ""
        last = Result(
            tenant_id=UUID(int=1),
            service_id=UUID(int=1),
            check_id=UUID(int=1),
            slot_us=number * STEP,
            interval_us=STEP,
            outcome=outcome,
            worker_id="w",
            error_kind=ErrorKind.BLOCKED_TARGET if is_blocked else None,
            error_message=message,
        )
    state, _ = known_state(track, STEP, (len(history) - 1 + idle) * STEP)
    if pause_us is not None:
        state = CheckState.PAUSED
    return check_reason(TrackedCheck(a_check(pause_us=pause_us), track), state, last)


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ([], "no conclusive result yet"),
        ([MISSED, ERROR], "no conclusive result yet"),
        ([UP], "1 of 2 slots passed"),
        ([UP, UP], "2 consecutive slots passed"),
        ([DOWN], "1 of 3 slots failed: connection refused"),
        ([UP, UP, DOWN, DOWN], "2 of 3 slots failed: connection refused"),
        ([UP, UP, DOWN, DOWN, DOWN], "3 consecutive slots failed: connection refused"),
        ([DOWN, DOWN, DOWN, DOWN, ERROR], "4 consecutive slots failed"),
        ([DOWN, DOWN, DOWN, UP], "1 of 2 slots passed"),
        ([DOWN, DOWN, DOWN, UP, DOWN], "the last slot failed: connection refused"),
    ],
)
def test_a_checks_reason_tells_its_run_of_results(history: Sequence[Outcome], words: str) -> None:
    assert reason(history) == words


def test_inside_a_window_both_say_so_but_who_is_paused_says_that() -> None:
    inside = TrackedCheck(a_check(), advance(Track(), 0, DOWN, 1, 1), maintenance_us=STEP)
    state, _ = inside.known(2 * STEP)
    words = check_reason(inside, state, None)
    assert words == "in a maintenance window"
    assert service_reason(service_state(count_checks([state])), [("home", state)]) == words
    paused = TrackedCheck(a_check(pause_us=STEP), Track(), maintenance_us=STEP)
    assert check_reason(paused, paused.known(2 * STEP)[0], None) == "check is paused"


def test_a_check_that_nobody_looked_at_and_one_that_is_paused_say_so() -> None:
    assert reason([UP, UP], idle=2) == "2 consecutive slots passed"
    assert reason([UP, UP], idle=3) == "no conclusive result for 2 intervals"
    assert reason([UP, UP], pause_us=5) == "check is paused"


@pytest.mark.parametrize(
    ("history", "idle", "words"),
    [
        ([ERROR], 0, "no conclusive result yet: not admitted by SENTINEL_X"),
        ([UP, UP, ERROR, ERROR, ERROR], 0, "no conclusive result for 2 intervals: not admitted by SENTINEL_X"),
        ([UP, UP, ERROR], 0, "2 consecutive slots passed"),
    ],
)
def test_of_a_blocked_target_the_reason_says_what_blocks_it(history: Sequence[Outcome], idle: int, words: str) -> None:
    assert reason(history, idle=idle, blocked_by="not admitted by SENTINEL_X") == words


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ([], "no check is enabled"),
        ([CheckState.PAUSED], "no check is enabled"),
        ([CheckState.UNKNOWN], "no check has a known state"),
        ([CheckState.UP, CheckState.PAUSED], "1 of 1 check is up"),
        ([CheckState.UP, CheckState.UNKNOWN], "1 of 2 checks is up"),
        ([CheckState.UP, CheckState.DOWN], "1 of 2 checks is down: c1"),
        ([CheckState.DOWN] * 5, "5 of 5 checks are down: c0, c1, c2 and 2 more"),
    ],
)
def test_a_services_reason_tells_its_checks(states: Sequence[CheckState], words: str) -> None:
    checks = [(f"c{number}", state) for number, state in enumerate(states)]

    assert service_reason(service_state(count_checks(states)), checks) == words
