"""Regular expressions of others, by RE2: time linear in the text, so that none can hang a process.

Linear is not yet quick: RE2 may need a few nanoseconds for each instruction of the program and each byte of the text,
so whoever searches bounds both.
"""

from functools import lru_cache
from typing import Protocol, cast

import re2

# What one program and its automaton may hold; one that needs more is searched without it, still in linear time.
_MOST_MEMORY = 256 * 1024
_MOST_KEPT = 2_048


class Expression(Protocol):
    """A compiled expression."""

    def search(self, text: bytes) -> object | None:
        """A match somewhere in a text, or None."""


@lru_cache(maxsize=_MOST_KEPT)
def compiled(expression: str) -> Expression:
    """An expression, ready to search.

    Raises:
        ValueError: RE2 does not take it; the message says why.
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
    """How many instructions its program has.

    Raises:
        ValueError: RE2 does not take it.
    """
    return int(compiled(expression).programsize)  # type: ignore[attr-defined] # RE2's own, which ships no types
