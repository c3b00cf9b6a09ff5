"""What could never be true, or would cost too much, is refused when it is saved, and its field is named."""

import math
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from sentinel.monitor.v1.assertion_pb2 import JsonPathAssertion
from sentinel.monitor.v1.check_pb2 import Check

from services.checks.specs.kinds import spec_of
from services.platform.errors import InvalidArgument
from services.platform.rpc.field_rules import FieldRules

RULES = FieldRules()


def refuse(*assertions: dict[str, Any], **http: Any) -> None:
    """As CreateCheck does: the contract's rules, then those of the kind."""
    given = {"name": "api", "http": {"url": "https://t/", "assertions": assertions, **http}}
    check = json_format.ParseDict(given, Check())
    RULES.validate(check, "check")
    spec_of(check).validate("check.http")


@pytest.mark.parametrize(
    ("assertion", "field"),
    [
        ({}, "kind"),
        ({"status": {}}, "status.codes"),
        ({"status": {"codes": [99]}}, "status.codes[0]"),
        ({"status": {"codes": [200, 103]}}, "status.codes[1]"),
        ({"status": {"codes": [1000]}}, "status.codes[0]"),
        ({"status": {"ranges": ["200-1000"]}}, "status.ranges[0]"),
        ({"status": {"ranges": ["200-299", "2xx"]}}, "status.ranges[1]"),
        ({"status": {"ranges": ["299-200"]}}, "status.ranges[0]"),
        ({"bodyContains": ""}, "body_contains"),
        ({"bodyContains": "x" * 1025}, "body_contains"),
        ({"bodyNotContains": ""}, "body_not_contains"),
        ({"bodyMatches": "("}, "body_matches"),
        ({"bodyMatches": r"(a)\1"}, "body_matches"),
        ({"bodyMatches": r"\pL{1000}"}, "body_matches"),
        ({"jsonPath": {"path": "status", "exists": True}}, "json_path.path"),
        ({"jsonPath": {"path": "$[?@.a == 1]", "exists": True}}, "json_path.path"),
        ({"jsonPath": {"path": "$['a','b']", "exists": True}}, "json_path.path"),
        ({"jsonPath": {"path": "$.a"}}, "json_path.comparison"),
        ({"jsonPath": {"path": "$.a", "equals": [1]}}, "json_path.equals"),
        ({"jsonPath": {"path": "$.a", "notEquals": {"a": 1}}}, "json_path.not_equals"),
        ({"jsonPath": {"path": "$.a", "matches": "["}}, "json_path.matches"),
        ({"jsonPath": {"path": "$.a", "lessThan": "Infinity"}}, "json_path.less_than"),
        ({"jsonPath": {"path": "$.a", "equals": 9007199254740993}}, "json_path.equals"),
        ({"jsonPath": {"path": "$.a", "notEquals": -12345678901234567}}, "json_path.not_equals"),
        ({"jsonPath": {"path": "$.a", "atMost": 1e300}}, "json_path.at_most"),
        ({"jsonPath": {"path": "$.a", "equalsText": "x" * 1025}}, "json_path.equals_text"),
        ({"header": {"name": "a b", "exists": True}}, "header.name"),
        ({"header": {"name": "a\r\nb", "exists": True}}, "header.name"),
        ({"header": {"name": "a"}}, "header.comparison"),
        ({"header": {"name": "a", "matches": "*"}}, "header.matches"),
        ({"certificateDaysLeft": -1}, "certificate_days_left"),
        ({"maxTotalTime": "0s"}, "max_total_time"),
        ({"maxTotalTime": "301s"}, "max_total_time"),
        ({"maxPhaseTime": {"limit": "1s"}}, "max_phase_time.phase"),
        ({"maxPhaseTime": {"phase": "TIMED_PHASE_TTFB"}}, "max_phase_time.limit"),
        ({"bodyContains": "x", "onlySlow": True}, "only_slow"),
    ],
)
def test_a_bad_assertion_is_refused_with_its_place(assertion: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        refuse({"bodyContains": "fine"}, assertion)

    assert f"check.http.assertions[1].{field}" in [each.field for each in refused.value.violations]


@pytest.mark.parametrize("operand", [Value(), Value(number_value=math.nan), Value(number_value=-math.inf)], ids=str)
def test_an_operand_that_json_cannot_hold_is_refused_with_its_place(operand: Value) -> None:
    check = json_format.ParseDict({"name": "api", "http": {"url": "https://t/"}}, Check())
    check.http.assertions.add(json_path=JsonPathAssertion(path="$.a", equals=operand))
    with pytest.raises(InvalidArgument) as refused:
        RULES.validate(check, "check")

    (violation,) = refused.value.violations
    assert violation.field == "check.http.assertions[0].json_path.equals"
    assert "a finite number" in violation.description


def test_more_than_twenty_are_refused() -> None:
    refuse(*[{"bodyContains": "x"}] * 20)
    with pytest.raises(InvalidArgument) as refused:
        refuse(*[{"bodyContains": "x"}] * 21)
    assert refused.value.violations[0].field == "check.http.assertions"


def test_expressions_are_refused_that_would_cost_too_much_together() -> None:
    each = {"bodyMatches": "[ab]{60}"}
    refuse(each, {"header": {"name": "a", "matches": "x{60}"}}, {"jsonPath": {"path": "$.a", "matches": "x{60}"}})
    with pytest.raises(InvalidArgument) as refused:
        refuse(
            each, each, {"header": {"name": "a", "matches": "x{60}"}}, {"jsonPath": {"path": "$", "matches": "x{90}"}}
        )
    assert refused.value.violations[0].field == "check.http.assertions"


def test_the_status_is_expected_in_one_place_only() -> None:
    refuse({"bodyContains": "x"}, expectedStatus=[204])
    with pytest.raises(InvalidArgument) as refused:
        refuse({"status": {"codes": [200]}}, expectedStatus=[204])
    assert refused.value.violations[0].field == "check.http.expected_status"


def test_what_the_tour_shows_is_taken() -> None:
    refuse(
        {"status": {"ranges": ["200-299"]}},
        {"bodyContains": "ok"},
        {"jsonPath": {"path": "$.status", "equals": "ok"}},
        {"jsonPath": {"path": "$.error", "equals": None}},
        {"maxTotalTime": "2s"},
        {"maxPhaseTime": {"phase": "TIMED_PHASE_TTFB", "limit": "0.5s"}, "onlySlow": True},
    )


def test_a_number_that_would_be_rounded_is_refused_with_a_hint_to_text() -> None:
    with pytest.raises(InvalidArgument) as refused:
        refuse({"jsonPath": {"path": "$.a", "equals": 12345678901234567}})

    assert 'compare the number as text, such as equalsText: "12345678901234567"' in refused.value.message
    refuse({"jsonPath": {"path": "$.a", "equals": 2**53 - 1}}, {"jsonPath": {"path": "$.a", "lessThan": 1 - 2**53}})
    refuse({"jsonPath": {"path": "$.a", "equalsText": "12345678901234567"}})


@pytest.mark.parametrize("status", [101, 200, 599, 600, 999])
def test_every_final_status_may_be_expected(status: int) -> None:
    refuse(expectedStatus=[status])
    refuse({"status": {"codes": [status], "ranges": [f"{status}-999"]}})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"expectedStatus": [99]}, "expected_status[0]"),
        ({"expectedStatus": [100]}, "expected_status[0]"),
        ({"expectedStatus": [200, 199]}, "expected_status[1]"),
        ({"expectedStatus": [1000]}, "expected_status[0]"),
        ({"maxRedirects": -1}, "max_redirects"),
        ({"maxRedirects": 11}, "max_redirects"),
    ],
)
def test_what_no_answer_can_be_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        refuse(**fields)

    assert f"check.http.{field}" in [each.field for each in refused.value.violations]
