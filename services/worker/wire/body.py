"""An answer's body, decoded when somebody reads it and within bounds (semantics.md §23)."""

from collections.abc import Sequence
from typing import Any

import orjson

from services.worker.wire.answer import LARGEST_BODY
from services.worker.wire.content_coding import decoded

# A byte of deflate stands for no more.
_MOST_EXPANDED = 1_032


class Body:
    """A body.

    Args:
        headers: the answer's, which name its codings.
        raw: as it came over the wire.
        truncated: whether it was cut off at the limit.
    """

    __slots__ = ("_headers", "_json", "_raw", "_read", "_truncated")

    def __init__(self, headers: Sequence[tuple[bytes, bytes]], raw: bytes | bytearray, *, truncated: bool) -> None:
        self._headers = headers
        self._raw = raw
        self._truncated = truncated
        self._read: tuple[bytes, bool] | None = None
        self._json: tuple[Any] | None = None

    @property
    def most_bytes(self) -> int:
        """How long the body may be once it is decoded; it is not decoded for this."""
        if any(name.lower() == b"content-encoding" for name, _ in self._headers):
            return min(LARGEST_BODY, len(self._raw) * _MOST_EXPANDED)
        return len(self._raw)

    def read(self) -> tuple[bytes, bool]:
        """The body without its codings, at most 1 MiB of it, and whether there is more.

        Raises:
            ProbeFailure: it is not in the codings that its headers name.
        """
        if self._read is None:
            self._read = decoded(self._headers, self._raw, LARGEST_BODY, truncated=self._truncated)
        return self._read

    def json(self) -> Any:  # noqa: ANN401 — any JSON
        """What the body says as JSON; it is parsed once, whatever becomes of it.

        Raises:
            ValueError: it is not JSON, or is cut off.
            ProbeFailure: as read.
        """
        if self._json is None:
            self._json = (orjson.loads(self.read()[0]),)
        return self._json[0]
