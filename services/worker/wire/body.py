"""An answer's body, decoded when somebody reads it and within bounds (semantics.md §23)."""

from collections.abc import Sequence

from services.worker.wire.answer import LARGEST_BODY
from services.worker.wire.content_coding import decoded


class Body:
    """A body.

    Args:
        headers: the answer's, which name its codings.
        raw: as it came over the wire.
        truncated: whether it was cut off at the limit.
    """

    __slots__ = ("_headers", "_raw", "_read", "_truncated")

    def __init__(self, headers: Sequence[tuple[bytes, bytes]], raw: bytes | bytearray, *, truncated: bool) -> None:
        self._headers = headers
        self._raw = raw
        self._truncated = truncated
        self._read: tuple[bytes, bool] | None = None

    def read(self) -> tuple[bytes, bool]:
        """The body without its codings, at most 1 MiB of it, and whether there is more.

        Raises:
            ProbeFailure: it is not in the codings that its headers name.
        """
        if self._read is None:
            self._read = decoded(self._headers, self._raw, LARGEST_BODY, truncated=self._truncated)
        return self._read
