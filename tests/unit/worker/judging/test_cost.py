"""What may take long to judge is known before it is done; what most checks ask costs nothing."""

import gzip

import pytest

from services.checks.specs.assertions import (
    SUCCESS_ALONE,
    Assertion,
    BodyContains,
    BodyMatches,
    HeaderIs,
    JsonPathIs,
    StatusIs,
)
from services.wire.body import Body
from services.wire.observation import Observation
from services.worker.judging.cost import ON_LOOP_US, cost_us


def observed(body: bytes, *headers: tuple[bytes, bytes]) -> Observation:
    return Observation(status_code=200, headers=headers, body=Body(headers, body, truncated=False))


def test_an_ordinary_check_costs_nothing() -> None:
    assert cost_us(SUCCESS_ALONE, observed(b"x" * 1_000_000)) == 0
    assert cost_us((StatusIs((200,)),), Observation(status_code=200)) == 0


@pytest.mark.parametrize(
    ("assertion", "body", "leaves"),
    [
        (BodyContains("ok"), b"x" * 1_000, False),
        (JsonPathIs("$.status", "equals", "ok"), b'{"status": "ok"}', False),
        (BodyMatches("version [0-9]+"), b"x" * 1_000, False),
        (BodyMatches("[ab]*a[ab]{60}[ab]{60}c"), b"ab" * 32_768, True),
        (JsonPathIs("$.status", "equals", "ok"), b"[" * 500_000, True),
        # What is nested deeper than the parsers go is read slowly; what cannot be is not charged for it.
        (JsonPathIs("$.status", "equals", "ok"), b"[" * 9_000 + b"]" * 9_000, True),
        (JsonPathIs("$.status", "equals", "ok"), b"[" + b"[]," * 400 + b"1," * 20_000 + b"1]", False),
        (JsonPathIs("$..*..*", "equals", "ok"), b"[" * 300, True),
        (JsonPathIs("$.status", "matches", "[ab]*a[ab]{60}[ab]{60}c"), b"x" * 65_536, True),
    ],
)
def test_what_may_take_long_leaves_the_event_loop(assertion: Assertion, body: bytes, leaves: bool) -> None:
    assert (cost_us((assertion,) * 2, observed(body)) > ON_LOOP_US) is leaves


def test_a_coded_body_counts_as_long_as_it_may_become() -> None:
    coded = gzip.compress(b" " * 1_000_000)
    small = observed(coded)
    coded_facts = observed(coded, (b"Content-Encoding", b"gzip"))
    parsed = (JsonPathIs("$.a", "exists", True),)
    assert cost_us(parsed, small) < ON_LOOP_US < cost_us(parsed, coded_facts)


def test_a_coded_body_may_be_nested_deeply() -> None:
    parsed = (JsonPathIs("$.a", "exists", True),)
    headers = (b"transfer-encoding", b"gzip, chunked")

    assert cost_us(parsed, observed(b"x" * 50, headers)) > ON_LOOP_US > cost_us(parsed, observed(b"x" * 50))
    assert cost_us(parsed, observed(b"x" * 50, (b"transfer-encoding", b"Chunked"))) < ON_LOOP_US


def test_an_expression_over_headers_counts_their_length() -> None:
    wanted = (HeaderIs("x", "matches", "[ab]*a[ab]{60}[ab]{60}c"),)
    assert cost_us(wanted, observed(b"", (b"x", b"ab"))) < ON_LOOP_US
    assert cost_us(wanted, observed(b"", (b"x", b"ab" * 16_000))) > ON_LOOP_US
