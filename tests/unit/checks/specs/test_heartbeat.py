"""A heartbeat's spec comes back from the database and from the contract as it went, and is looked at often enough."""

import json

import protovalidate
from hypothesis import given
from hypothesis import strategies as st
from sentinel.monitor.v1.check_pb2 import Check

from services.checks.specs.heartbeat import HeartbeatSpec
from services.checks.specs.kinds import KINDS, spec_of
from services.monitor.drafts import CheckDraft, new_check
from services.monitor.messages import check_draft, check_settings
from services.platform.clock import DAY_US, MINUTE_US, SECOND_US
from services.platform.ids import new_id

specs = st.builds(
    HeartbeatSpec, period_us=st.integers(5 * SECOND_US, 31 * DAY_US), grace_us=st.integers(0, 31 * DAY_US)
)


@given(specs)
def test_a_spec_comes_back_as_it_went(spec: HeartbeatSpec) -> None:
    column = json.loads(json.dumps(spec.bound_to(new_id(), new_id()).to_check_json()))

    assert KINDS["heartbeat"].from_check_json(column) == spec


@given(specs)
def test_a_check_comes_back_from_the_contract_with_its_period_as_interval(spec: HeartbeatSpec) -> None:
    check = new_check(new_id(), new_id(), CheckDraft(name="nightly", spec=spec), 1)
    message = Check.FromString(check_settings(check).SerializeToString())
    protovalidate.validate(message)

    assert message.interval.ToMicroseconds() == spec.period_us
    assert not message.HasField("timeout")
    assert spec_of(message) == spec
    again = new_check(check.tenant_id, check.service_id, check_draft(message), 1)
    assert again.settings == check.settings


@given(specs)
def test_silence_shows_within_a_minute(spec: HeartbeatSpec) -> None:
    check = new_check(new_id(), new_id(), CheckDraft(name="nightly", spec=spec), 1)

    assert check.settings.interval_us == min(spec.period_us, MINUTE_US)
    assert check.settings.timeout_us < check.settings.interval_us
    assert check.settings.failure_threshold == 1  # grace is the tolerance


def test_without_an_interval_a_signal_is_due_every_minute() -> None:
    assert spec_of(Check(name="nightly", heartbeat={})) == HeartbeatSpec(MINUTE_US, 0)
