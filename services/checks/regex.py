"""Regular expressions of users, evaluated by RE2 in linear time, so that none can block a process.

RE2 may take a few nanoseconds for each instruction of the program and each byte of the text, so callers bound both.
"""

from functools import lru_cache
from typing import Protocol, cast

import re2

# The memory limit of a program and its automaton; beyond it RE2 searches without the automaton, still linearly.
_MOST_MEMORY = 256 * 1024
_MOST_KEPT = 2_048


class Expression(Protocol):
    """A compiled expression."""

    def search(self, text: bytes) -> object | None:
        """Return a match somewhere in a text, or None."""


@lru_cache(maxsize=_MOST_KEPT)
def compiled(expression: str) -> Expression:
    """Compile an expression.

    Raises:
        ValueError: RE2 rejects it, for the reason in the message.
    """
    options = re2.Options()
    options.max_mem = _MOST_MEMORY
    options.log_errors = False
    options.never_capture = True
    try:
        return cast("Expression", re2.compile(expression, options))
    except re2.error as error:
        (reason,) = error.args
        raise ValueError(reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)) from error


def program_size(expression: str) -> int:
    """Return the number of instructions of its program.

    Raises:
        ValueError: RE2 rejects it.
    """
    return int(compiled(expression).programsize)  # type: ignore[attr-defined] # RE2's own, which ships no types
