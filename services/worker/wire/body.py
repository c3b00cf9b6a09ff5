"""An answer's body, decoded when somebody reads it and within bounds (semantics.md §23, docs/adr/0036)."""

from collections.abc import Sequence
from typing import Any

from services.worker.wire.answer import LARGEST_BODY
from services.worker.wire.charset import to_utf_8
from services.worker.wire.content_coding import decoded
from services.worker.wire.json_text import loads, loads_literals

# A byte of deflate stands for no more.
_MOST_EXPANDED = 1_032
# A byte that is in no charset becomes U+FFFD, which has three in UTF-8.
_MOST_WIDENED = 3


class Body:
    """A body.

    Args:
        headers: the answer's, which name its codings and its charset.
        raw: as it came over the wire.
        truncated: whether it was cut off at the limit.
    """

    __slots__ = ("_headers", "_json", "_literals", "_raw", "_read", "_truncated")

    def __init__(self, headers: Sequence[tuple[bytes, bytes]], raw: bytes | bytearray, *, truncated: bool) -> None:
        self._headers = headers
        self._raw = raw
        self._truncated = truncated
        self._read: tuple[bytes, bool] | None = None
        self._json: tuple[Any] | None = None
        self._literals: tuple[Any] | None = None

    @property
    def most_bytes(self) -> int:
        """How long the body may be once it is decoded; it is not decoded for this."""
        size = len(self._raw)
        if any(name.lower() == b"content-encoding" for name, _ in self._headers):
            size = min(LARGEST_BODY, size * _MOST_EXPANDED)
        return size if self._raw.isascii() else size * _MOST_WIDENED

    def read(self) -> tuple[bytes, bool]:
        """The body without its codings, at most 1 MiB of it, as valid UTF-8; and whether there is more.

        Raises:
            ProbeFailure: it is not in the codings that its headers name.
        """
        if self._read is None:
            data, truncated = decoded(self._headers, self._raw, LARGEST_BODY, truncated=self._truncated)
            self._read = to_utf_8(self._headers, data), truncated
        return self._read

    def json(self) -> Any:  # noqa: ANN401 — any JSON
        """What the body says as JSON; it is parsed once, whatever becomes of it.

        Raises:
            ValueError: it is not JSON, or is cut off.
            ProbeFailure: as read.
        """
        if self._json is None:
            self._json = (loads(self.read()[0]),)
        return self._json[0]

    def json_literals(self) -> Any:  # noqa: ANN401 — any JSON
        """The same, where each number is the text that stands in the body, a Literal.

        Raises:
            ValueError: as json.
            ProbeFailure: as read.
        """
        if self._literals is None:
            self._literals = (loads_literals(self.read()[0]),)
        return self._literals[0]
