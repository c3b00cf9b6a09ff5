"""The body of a response, decoded on demand and within limits (semantics.md §23, docs/adr/0036)."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from services.wire.charset import to_utf_8
from services.wire.content_coding import decoded, is_coded
from services.wire.json_text import TooDeepError, loads, loads_literals

LARGEST_BODY = 1024 * 1024
# The maximum expansion of deflate.
_MOST_EXPANDED = 1_032
# A byte that is invalid in its charset becomes U+FFFD, which has three bytes in UTF-8.
_MOST_WIDENED = 3
_Parsed: TypeAlias = "tuple[Any, type[ValueError] | None]"
"""A document, or the type of the error; the error itself would keep the body in memory."""


class Body:
    """The body of a response.

    Args:
        headers: the headers of the response, which name its codings and charset.
        raw: the body as received.
        truncated: whether it was truncated at the limit.
    """

    __slots__ = ("_headers", "_is_coded", "_json", "_literals", "_raw", "_read", "_truncated")

    def __init__(self, headers: Sequence[tuple[bytes, bytes]], raw: bytes | bytearray, *, truncated: bool) -> None:
        self._headers = headers
        self._raw = raw
        self._truncated = truncated
        self._is_coded: bool | None = None
        self._read: tuple[bytes, bool] | None = None
        self._json: _Parsed | None = None
        self._literals: _Parsed | None = None

    @property
    def may_be_coded(self) -> bool:
        """Whether its headers name a coding, supported or not."""
        if self._is_coded is None:
            self._is_coded = is_coded(self._headers)
        return self._is_coded

    @property
    def most_bytes(self) -> int:
        """The maximum size of the decoded body in bytes, computed without decoding it."""
        size = len(self._raw)
        if self.may_be_coded:
            size = min(LARGEST_BODY, size * _MOST_EXPANDED)
        return size if self._raw.isascii() else size * _MOST_WIDENED

    def most_values(self, deeper_than: int) -> int:
        """Return the maximum number of values if it is JSON nested deeper than a limit; 0 if it cannot be."""
        raw = self._raw
        if self.may_be_coded:
            return self.most_bytes
        if len(raw) <= deeper_than:
            return 0
        openings = raw.count(b"[") + raw.count(b"{")
        return openings + raw.count(b",") + 1 if openings > deeper_than else 0

    def read(self) -> tuple[bytes, bool]:
        """Return the decoded body as valid UTF-8, at most 1 MiB of it, and whether there is more.

        Raises:
            ProbeFailure: it is not valid in the codings that its headers name.
        """
        if self._read is None:
            data, truncated = decoded(self._headers, self._raw, LARGEST_BODY, truncated=self._truncated)
            self._read = to_utf_8(self._headers, data), truncated
        return self._read

    def json(self) -> Any:  # noqa: ANN401 — any JSON
        """Return the body parsed as JSON; it is parsed once, also if it is invalid.

        Raises:
            ValueError: it is not JSON, or is truncated.
            TooDeepError: it is too deeply nested to decide.
            ProbeFailure: as read.
        """
        if self._json is None:
            self._json = _parsed(loads, self.read()[0])
        return _given(self._json)

    def json_literals(self) -> Any:  # noqa: ANN401 — any JSON
        """Return the body parsed as JSON, with each number as its text, a Literal.

        Raises:
            ValueError: as json.
            ProbeFailure: as read.
        """
        if self._literals is None:
            self._literals = _parsed(loads_literals, self.read()[0])
        return _given(self._literals)


def _parsed(parse: Callable[[bytes], Any], data: bytes) -> _Parsed:
    try:
        return parse(data), None
    except TooDeepError:
        return None, TooDeepError
    except ValueError:
        return None, ValueError


def _given(parsed: _Parsed) -> Any:  # noqa: ANN401 — any JSON
    document, error = parsed
    if error is not None:
        raise error
    return document
