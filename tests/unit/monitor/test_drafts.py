"""What a change makes of a check, and that later is later whatever the clock does."""

from collections.abc import Callable
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.check_settings import CheckSettings
from services.checks.specs.http import HttpSpec
from services.checks.specs.tcp import TcpSpec
from services.monitor.drafts import CheckDraft, changed_check, new_check, paused_check, resumed_check
from services.monitor.model import Check
from services.platform.clock import SECOND_US
from services.platform.errors import InvalidArgument
from services.platform.ids import new_id

NOW = 1_790_000_000 * SECOND_US


def draft_of(check: Check) -> CheckDraft:
    return CheckDraft(
        name=check.name,
        spec=check.spec,
        given=asdict(check.settings),
    )


def always(draft: CheckDraft) -> Callable[[Check], CheckDraft]:
    return lambda _: draft


def a_check() -> Check:
    return new_check(new_id(), new_id(), CheckDraft(name="home", spec=HttpSpec(url="http://t.test/")), NOW)


def test_what_the_draft_leaves_out_goes_back_to_the_default_that_fits() -> None:
    before = CheckSettings(interval_us=3600 * SECOND_US, timeout_us=100 * SECOND_US, failure_threshold=9)
    check = replace(a_check(), settings=before)
    draft = CheckDraft(name="home", spec=check.spec, given={"interval_us": 5 * SECOND_US})
    changed = changed_check(check, "", lambda _: draft, NOW)

    assert changed.settings == CheckSettings(interval_us=5 * SECOND_US, timeout_us=4 * SECOND_US)
    assert changed.settings.failure_threshold == 2
    assert (changed.id, changed.create_us) == (check.id, check.create_us)


def test_a_draft_of_what_is_there_changes_nothing() -> None:
    check = paused_check(a_check(), NOW + 5)

    assert changed_check(check, check.etag, draft_of, NOW + 9) is check


def test_a_check_cannot_become_one_of_another_kind() -> None:
    other = replace(draft_of(a_check()), spec=TcpSpec("t.test", 80))
    with pytest.raises(InvalidArgument) as refused:
        changed_check(a_check(), "", always(other), NOW)

    assert [violation.field for violation in refused.value.violations] == ["check.tcp"]


@given(st.lists(st.tuples(st.sampled_from(["pause", "resume", "rename"]), st.integers(-10, 10)), max_size=20))
def test_each_change_is_later_and_has_an_etag_of_its_own_whatever_the_clock_does(
    changes: list[tuple[str, int]],
) -> None:
    check, clock = a_check(), NOW
    for number, (what, step) in enumerate(changes):
        clock += step
        before = check
        if what == "pause":
            check = paused_check(check, clock)
            assert check.pause_us == (before.pause_us or check.update_us)
        elif what == "resume":
            check = resumed_check(check, clock)
            assert check.enabled
        else:
            renamed = replace(draft_of(check), name=f"n{number}")
            check = changed_check(check, check.etag, always(renamed), clock)
            assert check.pause_us == before.pause_us
        if check is not before:
            assert check.update_us > before.update_us
            assert check.etag != before.etag
