"""What a broken request is answered: each broken rule up to a bound, and the limits of numbers for programs."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from sentinel.auth.v1.auth_service_pb2 import LoginRequest, UpdateMeRequest
from sentinel.monitor.v1.assertion_pb2 import Assertion, JsonPathAssertion, StatusAssertion
from sentinel.monitor.v1.check_pb2 import Check, HeartbeatCheck, HttpCheck
from sentinel.monitor.v1.monitor_service_pb2 import CreateServiceRequest, ListServicesRequest
from sentinel.monitor.v1.service_pb2 import ServiceState
from sentinel.probe.v1.probe_service_pb2 import EvaluateAssertionsRequest, GivenAnswer

from services.platform.errors import FieldViolation, InvalidArgument
from services.platform.rpc.field_rules import FieldRules
from services.platform.rpc.interceptors.status import to_status
from services.platform.rpc.universal_rules import most_items
from tests.support.contract import fields_of_requests

RULES = FieldRules()


def refused(message: Message) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as error:
        RULES.validate(message)
    return error.value


def check(**fields: Any) -> Check:
    made = Check(name="a", http=HttpCheck(url="https://a.test"))
    made.MergeFrom(Check(**fields))
    return made


def metadata_of(error: InvalidArgument) -> dict[str, str]:
    info = error_details_pb2.ErrorInfo()
    assert to_status(error, "id").details[0].Unpack(info)
    return dict(info.metadata)


def shown_in(error: InvalidArgument) -> list[error_details_pb2.BadRequest.FieldViolation]:
    bad = error_details_pb2.BadRequest()
    assert to_status(error, "id").details[2].Unpack(bad)
    return list(bad.field_violations)


def test_at_most_twenty_broken_rules_are_named_and_the_others_counted() -> None:
    codes = [Assertion(status=StatusAssertion(codes=[1, 2, 3]))] * 20
    error = refused(check(http=HttpCheck(assertions=codes)))

    assert len(shown_in(error)) == 20
    assert error.message.endswith(" more")
    assert metadata_of(error)["violationsFound"] == "60"
    assert metadata_of(error)["violationsShown"] == "20"


def test_of_a_large_request_only_the_first_broken_rule_is_named_and_the_answer_says_so() -> None:
    small = refused(check(name=" ", failure_threshold=-1))
    large = refused(check(name=" ", failure_threshold=-1, http=HttpCheck(body="x" * 65_536)))
    many = [Assertion(status=StatusAssertion(codes=range(100, 111)))] * 20
    long = refused(check(name=" ", failure_threshold=-1, http=HttpCheck(assertions=many)))

    assert len(small.violations) == 2
    for error in (large, long):
        assert len(error.violations) == 1
        assert "stops at the first violation" in error.message


def test_texts_of_a_request_make_no_answer_large() -> None:
    names = {"é" * 300 + str(number): " " for number in range(32)}
    status = to_status(refused(check(http=HttpCheck(headers=names))), "i" * 64)

    assert status.ByteSize() <= 4096
    assert [each.type_url.rpartition(".")[2] for each in status.details] == ["ErrorInfo", "RequestInfo", "BadRequest"]


def test_whatever_an_error_says_its_status_stays_small_and_keeps_what_it_must() -> None:
    violations = [FieldViolation("é" * 9_000, "\ud800" * 9_000, "9" * 9_000, "9" * 9_000)] * 50
    status = to_status(InvalidArgument("\ud800é" * 90_000, violations), "i" * 64)
    kinds = [each.type_url.rpartition(".")[2] for each in status.details]

    assert status.ByteSize() <= 4096
    assert kinds == ["ErrorInfo", "RequestInfo", "BadRequest"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (check(failure_threshold=101), ("check", "failure_threshold", "100", "101")),
        (check(failure_threshold=-1), ("check", "failure_threshold", "0", "-1")),
        (check(name="x" * 101), ("check", "name", "100", "101")),
        (check(interval=Duration(seconds=4)), ("check", "interval", "5s", "4s")),
        (check(interval=Duration(seconds=86_401)), ("check", "interval", "86400s", "86401s")),
        (
            Check(name="a", heartbeat=HeartbeatCheck(), interval=Duration(seconds=2_678_401)),
            ("check", "interval", "2678400s", "2678401s"),
        ),
        (check(http=HttpCheck(body_contains="é" * 513)), ("check", "http.body_contains", "1024", "1026")),
        (check(http=HttpCheck(expected_status=[200] * 101)), ("check", "http.expected_status", "100", "101")),
        (check(http=HttpCheck(expected_status=[1_000])), ("check", "http.expected_status[0]", "999", "1000")),
    ],
)
def test_limit_and_actual_value_are_in_the_metadata(message: Check, expected: tuple[str, str, str, str]) -> None:
    of, field, limit, actual = expected
    with pytest.raises(InvalidArgument) as error:
        RULES.validate(message, of)

    assert metadata_of(error.value) == {"field": f"{of}.{field}", "limit": limit, "actual": actual}


def test_a_text_that_breaks_a_rule_is_not_in_the_answer() -> None:
    error = refused(LoginRequest(tenant_slug="acme", email="secret", password="hush" * 1_000))

    assert "secret" not in str(to_status(error, "id"))
    assert "hush" not in str(to_status(error, "id"))


@pytest.mark.parametrize(
    ("message", "field"),
    [
        (LoginRequest(tenant_slug="a\0"), "tenant_slug"),
        (CreateServiceRequest(labels={"a": "\0"}), "labels['a']"),
        (CreateServiceRequest(labels={"\0": "a"}), "labels['\\x00']"),
        (UpdateMeRequest(update_mask={"paths": ["display_name", "\0"]}), "update_mask.paths[1]"),
        (check(http=HttpCheck(secret_headers=["\0"])), "http.secret_headers[0]"),
        (
            check(http=HttpCheck(assertions=[Assertion(json_path=JsonPathAssertion(equals={"string_value": "\0"}))])),
            "http.assertions[0].json_path.equals.string_value",
        ),
    ],
)
def test_no_text_may_hold_u_0000(message: Message, field: str) -> None:
    assert [each.field for each in refused(message).violations] == [field]


@pytest.mark.parametrize(
    ("seconds", "nanos", "fits"),
    [
        (-62_135_596_800, 1_000, True),
        (-62_135_596_800, 999, False),
        (-62_135_596_801, 0, False),
        (253_402_300_799, 999_998_999, True),
        (253_402_300_799, 999_999_000, False),
        (253_402_300_800, 0, False),
        (0, -1, False),
        (0, 1_000_000_000, False),
        (2**63 - 1, 0, False),
    ],
)
def test_an_instant_is_within_the_years_that_everybody_can_hold(seconds: int, nanos: int, fits: bool) -> None:
    moment = Timestamp(seconds=seconds, nanos=nanos)
    request = EvaluateAssertionsRequest(
        assertions=[Assertion(body_contains="a")], given=GivenAnswer(certificate_expire_time=moment)
    )
    if fits:
        RULES.validate(request)
    else:
        assert [each.field for each in refused(request).violations] == ["given.certificate_expire_time"]


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [(2**63 - 1, 0), (-(2**63), 0), (315_576_000_001, 0), (5, -1), (-5, 1), (5, 1_000_000_000), (5, 2**31 - 1)],
)
def test_a_span_that_is_none_is_refused_by_the_name_of_its_field(seconds: int, nanos: int) -> None:
    error = refused(check(interval=Duration(seconds=seconds, nanos=nanos)))

    assert [each.field for each in error.violations] == ["interval"]


def test_every_list_of_a_request_says_how_long_it_may_be() -> None:
    lists = [field for field in fields_of_requests() if field.is_repeated]

    assert len(lists) > 10
    ours = [field for field in lists if not field.full_name.startswith("google.protobuf.")]
    assert [field.full_name for field in ours if not most_items(field)] == []


def test_lists_of_other_packages_are_bounded_too() -> None:
    error = refused(UpdateMeRequest(update_mask={"paths": ["a"] * 101}))

    assert metadata_of(error) == {"field": "update_mask.paths", "limit": "100", "actual": "101"}


def test_a_list_that_is_too_long_is_named_before_its_items_are_looked_at() -> None:
    error = refused(ListServicesRequest(states=[ServiceState.SERVICE_STATE_UP] * 1_000))

    assert [(each.field, each.description) for each in error.violations] == [
        ("states", "must have at most 16 items; it has 1000")
    ]
