"""Expressions of others are RE2's: linear in the text, and refused where they are none."""

import subprocess
import sys

import pytest

from services.checks.regex import compiled, program_size

_SEARCH = """
from services.checks.regex import compiled
assert compiled("(a+)+$").search(b"a" * 2**16 + b"!") is None
"""


def test_what_hangs_others_comes_to_an_end() -> None:
    # A backtracking engine takes longer than there is, and nothing in its own process could end it.
    subprocess.run([sys.executable, "-c", _SEARCH], check=True, timeout=60)


@pytest.mark.parametrize("expression", ["(", r"(a)\1", "(?=a)", "a{1001}", r"\pL{1000}"])
def test_what_is_none_is_refused_with_the_reason(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        compiled(expression)


def test_a_repetition_counts_as_often_as_it_says() -> None:
    assert program_size("a{100}") > 100 > program_size("a*")
