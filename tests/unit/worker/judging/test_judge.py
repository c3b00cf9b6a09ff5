"""The verdict on what an attempt learned."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.assertion_outcome import AssertionOutcome, AssertionStatus
from services.checks.json_path import MOST_LOOKED_AT
from services.checks.outcome import ErrorKind, Outcome
from services.checks.regex import Expression, compiled, program_size
from services.checks.specs.assertion_validation import validate_assertions
from services.checks.specs.assertions import (
    LARGEST_PROGRAMS,
    LONGEST_MATCHED,
    Assertion,
    BodyContains,
    BodyLacks,
    BodyMatches,
    CertificateLasts,
    HeaderIs,
    JsonPathIs,
    PhaseWithin,
    StatusIs,
    TotalTimeWithin,
)
from services.checks.specs.http import HttpSpec
from services.wire.body import Body
from services.wire.observation import Observation
from services.worker.judging import findings
from services.worker.judging import judge as judging
from services.worker.judging.judge import Verdict
from tests.support.assertions import HOSTILE_BODIES, bodies, dearest_assertions, saved
from tests.support.steps import counted_steps

NOW_US = 1_790_000_000_000_000
NOW = datetime.fromtimestamp(NOW_US / 1e6, UTC)
statuses = st.integers(100, 599)


def spec(*asserted: Assertion, **others: Any) -> HttpSpec:
    return HttpSpec(url="http://t/", asserted=asserted, **others)


def judge(wanted: HttpSpec, seen: Observation) -> Verdict:
    return judging.judge(wanted, seen, NOW_US)


def outcomes(wanted: HttpSpec, seen: Observation) -> Sequence[AssertionOutcome]:
    return judging.outcomes(wanted, seen, NOW_US)


def observed(
    status: int = 200,
    body: bytes = b"",
    headers: Sequence[tuple[bytes, bytes]] = (),
    *,
    truncated: bool = False,
    **seen: Any,
) -> Observation:
    return Observation(status_code=status, headers=headers, body=Body(headers, body, truncated=truncated), **seen)


def alone(assertion: Assertion, on: Observation) -> Verdict:
    """The verdict on one assertion, whatever the status."""
    return judge(spec(StatusIs(ranges=("100-599",)), assertion), on)


@given(statuses)
def test_any_2xx_is_up_when_nothing_else_is_expected(status: int) -> None:
    assert (judge(spec(), observed(status)).outcome is Outcome.UP) == (status // 100 == 2)


@given(statuses, st.lists(statuses, min_size=1, max_size=100, unique=True))
def test_exactly_the_expected_statuses_are_up_and_the_rest_says_why(status: int, expected: list[int]) -> None:
    for wanted in (spec(expected_statuses=tuple(expected)), spec(StatusIs(tuple(expected)))):
        verdict = judge(wanted, observed(status))

        if status in expected:
            assert verdict.outcome is Outcome.UP
        else:
            assert (verdict.outcome, verdict.error_kind) == (Outcome.DOWN, ErrorKind.STATUS)
            assert verdict.message.startswith(f"status {status}, expected {expected[0]}")
            assert len(verdict.message) <= 256


@given(statuses, statuses, statuses, statuses)
def test_a_status_may_be_a_code_or_in_a_range_with_both_its_ends(status: int, code: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    verdict = judge(spec(StatusIs((code,), (f"{low}-{high}",))), observed(status))

    assert (verdict.outcome is Outcome.UP) == (status == code or low <= status <= high)


@given(st.text(max_size=20), st.text(min_size=1, max_size=4), st.booleans())
def test_a_body_is_up_when_it_contains_the_text_and_too_large_only_when_it_lacks_it(
    body: str, text: str, truncated: bool
) -> None:
    on = observed(body=body.encode(), truncated=truncated)
    lacks = judge(spec(BodyLacks(text)), on)
    for wanted in (spec(body_contains=text), spec(BodyContains(text))):
        verdict = judge(wanted, on)
        if text in body:
            assert verdict.outcome is Outcome.UP
            assert (lacks.outcome, lacks.error_kind) == (Outcome.DOWN, ErrorKind.ASSERTION)
        else:
            # Nothing is in every coding, so that an empty body that was cut off was cut off.
            assert verdict.error_kind is (ErrorKind.TOO_LARGE if truncated else ErrorKind.ASSERTION)
            assert lacks.error_kind is (ErrorKind.TOO_LARGE if truncated else None)


def test_an_expression_is_looked_for_in_the_first_64_kib() -> None:
    within, beyond = b"-" * 65_534 + b"ok", b"-" * 65_535 + b"ok"
    assert alone(BodyMatches("o[k]$"), observed(body=within)).outcome is Outcome.UP
    assert alone(BodyMatches("o[k]"), observed(body=beyond)).error_kind is ErrorKind.TOO_LARGE
    assert alone(BodyMatches("(?i)^OK$"), observed(body=b"ok")).outcome is Outcome.UP
    assert alone(BodyMatches("^ok$"), observed(body=b"not ok")).error_kind is ErrorKind.ASSERTION


DOCUMENT = {
    "status": "ok", "count": 3, "ratio": 0.5, "on": True, "off": None, "list": [1, 2, 3], "a b": {"c": "x"},
    "parts": [{"name": "db", "state": "up"}, {"name": "queue", "state": "up"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "comparison", "operand", "holds"),
    [
        ("$.status", "equals", "ok", True),
        ("$.status", "equals", "OK", False),
        ("$.count", "equals", 3.0, True),
        ("$.count", "equals", "3", False),
        ("$.on", "equals", True, True),
        ("$.on", "equals", 1.0, False),
        ("$.count", "equals", True, False),
        ("$.off", "equals", None, True),
        ("$.absent", "equals", None, False),
        ("$.status", "not_equals", "down", True),
        ("$.count", "not_equals", "3", True),
        ("$.absent", "not_equals", "down", False),
        ("$.absent", "exists", False, True),
        ("$.off", "exists", True, True),
        ("$['a b'].c", "matches", "^x$", True),
        ("$.count", "matches", "3", False),
        ("$.ratio", "less_than", 0.5, False),
        ("$.ratio", "at_most", 0.5, True),
        ("$.count", "greater_than", 2.9, True),
        ("$.on", "at_least", 1.0, False),
        ("$.list[-1]", "equals", 3.0, True),
        ("$.list[5]", "exists", True, False),
        ("$.list[*]", "greater_than", 0.0, True),
        ("$.list[*]", "greater_than", 1.0, False),
        ("$.list[1:]", "greater_than", 1.0, True),
        ("$.list[::0]", "exists", False, True),
        ("$.parts[*].state", "equals", "up", True),
        ("$..name", "matches", "^(db|queue)$", True),
        ("$.parts", "equals", "up", False),
    ],
)
def test_a_value_in_json_compares_with_its_like(path: str, comparison: str, operand: Any, holds: bool) -> None:
    verdict = alone(JsonPathIs(path, comparison, operand), observed(body=orjson.dumps(DOCUMENT)))

    assert verdict.outcome is (Outcome.UP if holds else Outcome.DOWN)


def test_a_body_that_is_not_json_says_so_and_is_parsed_once() -> None:
    down = judge(spec(JsonPathIs("$.a", "exists", True), JsonPathIs("$.b", "exists", True)), observed(body=b"<html>"))
    assert [each.actual for each in down.failed_assertions] == ["body is not JSON"] * 2

    cut = alone(JsonPathIs("$.a", "exists", True), observed(body=b'{"a": 1', truncated=True))
    assert cut.error_kind is ErrorKind.TOO_LARGE

    body = Body((), b'{"a": 1}', truncated=False)
    assert body.json() is body.json()


@pytest.mark.parametrize(
    ("comparison", "operand", "holds"),
    [
        ("equals", "text/html", True),
        ("equals", "text/HTML", False),
        ("contains", "gzip", True),
        ("matches", "^text/(html|plain)$", True),
        ("matches", "json", False),
        ("exists", True, True),
        ("exists", False, False),
    ],
)
def test_one_of_the_headers_of_a_name_in_any_case_has_to_compare(comparison: str, operand: Any, holds: bool) -> None:
    headers = [(b"Content-TYPE", b"text/html"), (b"content-type", b"and gzip"), (b"server", b"x")]
    verdict = alone(HeaderIs("Content-Type", comparison, operand), observed(headers=headers))

    assert verdict.outcome is (Outcome.UP if holds else Outcome.DOWN)


def test_an_absent_header_is_there_for_no_comparison() -> None:
    for comparison, operand in (("equals", ""), ("contains", "x"), ("matches", ""), ("exists", True)):
        assert alone(HeaderIs("x", comparison, operand), observed()).outcome is Outcome.DOWN
    assert alone(HeaderIs("x", "exists", False), observed()).outcome is Outcome.UP


def test_a_certificate_has_to_last() -> None:
    wanted = CertificateLasts(14)
    assert alone(wanted, observed(tls_not_after=NOW + timedelta(days=14))).outcome is Outcome.UP
    late = alone(wanted, observed(tls_not_after=NOW + timedelta(days=13, hours=23)))
    assert late.message == "certificate: valid for 13 days; expected: valid for at least 14 days"
    assert alone(wanted, observed(tls_not_after=NOW - timedelta(1))).failed_assertions[0].actual == "expired"
    assert alone(wanted, observed()).failed_assertions[0].actual == "no certificate"


@given(st.integers(0, 10**8), st.integers(1, 10**8), st.booleans())
def test_a_run_that_takes_longer_is_down_or_only_slow(took_us: int, limit_us: int, only_slow: bool) -> None:
    on = observed(total_us=took_us, ttfb_us=took_us)
    for wanted in (TotalTimeWithin(limit_us, only_slow), PhaseWithin("ttfb", limit_us, only_slow)):
        verdict = alone(wanted, on)

        late = took_us > limit_us
        assert verdict.outcome is (Outcome.DOWN if late and not only_slow else Outcome.UP)
        assert verdict.slow is (late and only_slow)
        assert len(verdict.failed_assertions) == late


def test_a_run_that_is_down_is_not_slow_too() -> None:
    verdict = judge(spec(TotalTimeWithin(1, only_slow=True)), observed(500, total_us=2))

    assert (verdict.outcome, verdict.error_kind, verdict.slow) == (Outcome.DOWN, ErrorKind.STATUS, False)
    assert [each.index for each in verdict.failed_assertions] == [None, 0]


def test_a_phase_that_a_run_does_not_have_is_quick_enough() -> None:
    assert alone(PhaseWithin("tls", 1), observed()).outcome is Outcome.UP


def test_each_failed_one_is_listed_with_what_was_expected_and_what_was_there() -> None:
    wanted = spec(
        JsonPathIs("$.status", "equals", "ok"), BodyContains("fine"), HeaderIs("Server", "exists", True),
        body_contains="status",
    )  # fmt: skip
    verdict = judge(wanted, observed(503, b'{"status": "down"}'))

    assert (verdict.error_kind, verdict.message) == (ErrorKind.STATUS, "status 503, expected 200 to 299")
    assert [(each.index, each.subject, each.expected, each.actual) for each in verdict.failed_assertions] == [
        (None, "status", "200 to 299", "503"),
        (0, "json_path $.status", 'equals "ok"', '"down"'),
        (1, "body", 'contains "fine"', '{"status": "down"}'),
        (2, "header server", "is present", "absent"),
    ]
    told = outcomes(wanted, observed(503, b'{"status": "down"}'))
    assert [each.status for each in told] == [
        AssertionStatus.FAILED, AssertionStatus.PASSED, AssertionStatus.FAILED, AssertionStatus.FAILED,
        AssertionStatus.FAILED,
    ]  # fmt: skip


def test_what_the_check_sends_as_a_secret_is_in_no_word() -> None:
    token = "s3cr3t-" + "x" * 300
    wanted = spec(
        JsonPathIs("$.echo", "equals", "x"), HeaderIs("x-echo", "equals", "x"), BodyContains("missing"),
        headers=(("authorization", f"Bearer {token}"),),
    )  # fmt: skip
    body = orjson.dumps({"echo": f"you sent {token}"})
    verdict = judge(wanted, observed(body=body, headers=[(b"x-echo", token.encode())]))

    assert len(verdict.failed_assertions) == 3
    assert "s3cr3t" not in repr(verdict)
    assert verdict.failed_assertions[1].actual == "[secret]"


def test_what_we_cannot_evaluate_is_our_error_unless_something_else_fails() -> None:
    broken = JsonPathIs("$[", "exists", True)  # which nobody could save
    assert alone(broken, observed(body=b"{}")).outcome is Outcome.ERROR
    assert alone(broken, observed(body=b"{}")).error_kind is ErrorKind.INTERNAL
    assert judge(spec(broken), observed(500, b"{}")).error_kind is ErrorKind.STATUS


def test_a_body_that_breaks_its_coding_fails_what_looks_at_it() -> None:
    broken = observed(503, b"nonsense", [(b"content-encoding", b"gzip")])
    verdict = judge(spec(BodyContains("x"), JsonPathIs("$", "exists", True)), broken)

    assert verdict.error_kind is ErrorKind.STATUS
    assert len(verdict.failed_assertions) == 3
    fine = observed(200, gzip.compress(b'{"a": 1}'), [(b"content-encoding", b"gzip")])
    assert judge(spec(JsonPathIs("$.a", "equals", 1.0)), fine).outcome is Outcome.UP


@given(st.lists(saved, max_size=20), bodies, statuses, st.booleans())
def test_the_same_facts_get_the_same_verdict_and_never_an_exception(
    wanted: list[Assertion], body: bytes, status: int, truncated: bool
) -> None:
    first, second = (
        judge(spec(*wanted), observed(status, body, [(b"x", b"y")], truncated=truncated, total_us=5)) for _ in range(2)
    )

    assert first == second
    assert first.outcome in {Outcome.UP, Outcome.DOWN}
    assert (first.outcome is Outcome.DOWN) == (first.error_kind is not None)
    assert len(first.failed_assertions) <= 20
    for each in first.failed_assertions:
        assert max(len(each.subject), len(each.expected), len(each.actual), len(first.message)) <= 256
        assert "\0" not in each.subject + each.expected + each.actual


class Searches:
    """RE2's expressions, and what searching with them costs in the end.

    Attributes:
        work: bytes searched, each as often as the program has instructions: RE2 follows all of them in the worst case.
    """

    def __init__(self) -> None:
        self.work = 0

    def compiled(self, expression: str) -> Expression:
        return Search(self, expression)


class Search:
    def __init__(self, searches: Searches, expression: str) -> None:
        self._searches = searches
        self._expression = expression

    def search(self, text: bytes) -> object | None:
        self._searches.work += len(text) * program_size(self._expression)
        return compiled(self._expression).search(text)


@pytest.mark.parametrize("body", HOSTILE_BODIES.values(), ids=HOSTILE_BODIES)
def test_the_dearest_assertions_on_the_largest_body_take_a_bounded_number_of_steps(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = spec(*dearest_assertions())
    validate_assertions(wanted.asserted, "a")
    paths = [each for each in wanted.asserted if isinstance(each, JsonPathIs)]
    searches = Searches()
    monkeypatch.setattr(findings, "compiled", searches.compiled)
    with counted_steps() as steps:
        verdict = judge(wanted, observed(body=body))

    assert len(verdict.failed_assertions) == len(wanted.asserted) == 20
    assert 0 < searches.work <= LARGEST_PROGRAMS * LONGEST_MATCHED
    assert steps.count <= 16 * MOST_LOOKED_AT * len(paths)
