"""Expressions of others are RE2's: linear in the text, and refused where they are none."""

import time

import pytest

from services.common.regex import compiled, program_size


def test_what_hangs_others_takes_no_time() -> None:
    start = time.process_time()
    assert compiled("(a+)+$").search(b"a" * 2**16 + b"!") is None
    assert time.process_time() - start < 1.0  # 1 ms; a backtracking engine needs longer than there is


@pytest.mark.parametrize("expression", ["(", r"(a)\1", "(?=a)", "a{1001}", r"\pL{1000}"])
def test_what_is_none_is_refused_with_the_reason(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        compiled(expression)


def test_a_repetition_counts_as_often_as_it_says() -> None:
    assert program_size("a{100}") > 100 > program_size("a*")
