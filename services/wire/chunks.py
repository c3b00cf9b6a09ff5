"""Incremental parser of a chunked body (RFC 9112 §7.1, docs/adr/0036). Pure.

As in curl, anything after a size on its line is ignored, and a line may end in LF alone. An invalid size is refused,
and so are data that exceed their size.
"""

import re
from collections.abc import Callable

from services.wire.http_response_head import quoted, refusal
from services.wire.probe_failure import ProbeFailure

_LINE = re.compile(rb"([0-9A-Fa-f]{1,8})\r?\n")
_SIZE = re.compile(rb"0*([0-9A-Fa-f]*)")
_DIGITS = frozenset(b"0123456789abcdefABCDEF")
_MOST_DIGITS = 15

Take = Callable[[bytes, int, int], bool]
"""Takes the data between two offsets; returns whether more is wanted."""


# What comes next; numbers, because each probe checks it several times.
_SIZE_NEXT, _DATA_NEXT, _END_OF_DATA_NEXT, _TRAILER_NEXT = range(4)


class Chunks:
    """A reader of chunks.

    Attributes:
        ended: whether the last chunk and the trailers were read.
        number: the number of the present chunk, from 1.
    """

    __slots__ = ("_left", "_line", "_next", "_size", "ended", "number")

    def __init__(self) -> None:
        self.ended = False
        self.number = 1
        self._next = _SIZE_NEXT
        self._left = self._size = 0
        self._line = bytearray()

    def feed(self, data: bytes, take: Take) -> None:
        """Read some bytes, until they or the body end, or the limit of the body is reached.

        Args:
            data: the bytes.
            take: takes the data of chunks. It is not stored, to avoid a reference cycle.

        Raises:
            ProbeFailure: PROTOCOL.
        """
        at, end = 0, len(data)
        while at < end:
            if self._next == _SIZE_NEXT:
                at = self._line_end(data, at) if self._line else self._whole(data, at, take)
            elif self._next == _DATA_NEXT:
                at = self._data(data, at, take)
            elif self._next == _END_OF_DATA_NEXT:
                at = self._end_of_data(data, at)
            else:
                at = self._line_end(data, at)

    def _whole(self, data: bytes, at: int, take: Take) -> int:
        """Read complete chunks, and the size of an incomplete one; return the offset after them.

        A body may have hundreds of thousands of chunks: this is the cost of each.
        """
        match, end = _LINE.match, len(data)
        while (line := match(data, at)) is not None:
            start = line.end()
            stop = start + int(line[1], 16)
            if data[stop : stop + 2] == b"\r\n":
                at_next = stop + 2
            elif data[stop : stop + 1] == b"\n":
                at_next = stop + 1
            else:
                break
            if stop == start:
                self.ended = True  # the last chunk, without trailers
                return end
            if not take(data, start, stop):
                return end
            at = at_next
            self.number += 1
        if at < end and data[at] not in _DIGITS:
            raise self._bad_size(data[at:])
        return self._line_end(data, at)

    def _data(self, data: bytes, at: int, take: Take) -> int:
        upto = min(len(data), at + self._left)
        self._left -= upto - at
        if not take(data, at, upto):
            return len(data)
        if not self._left:
            self._next = _END_OF_DATA_NEXT
        return upto

    def _end_of_data(self, data: bytes, at: int) -> int:
        """Skip the line break after a chunk's data."""
        line_end = data.find(b"\n", at)
        if data[at : line_end if line_end >= 0 else len(data)].strip(b"\r"):
            raise refusal(f"chunk {self.number} of the body is longer than its declared size of {self._size} bytes")
        if line_end < 0:
            return len(data)
        self._next = _SIZE_NEXT
        self.number += 1
        return line_end + 1

    def _line_end(self, data: bytes, at: int) -> int:
        """Read to the end of a line, and process it if it is complete."""
        line_end = data.find(b"\n", at)
        if line_end < 0:
            self._line += data[at:]
            return len(data)
        line = data[at:line_end]
        if self._line:
            line = bytes(self._line + line)
            self._line = bytearray()
        if self._next == _SIZE_NEXT:
            self._read_size(line)
        elif self._ends(line):
            self.ended = True
            return len(data)
        return line_end + 1

    def _read_size(self, line: bytes) -> None:
        digits = _SIZE.match(line)[1]  # type: ignore[index] # it matches anything
        if len(digits) > _MOST_DIGITS:
            raise self._bad_size(line)
        self._left = self._size = int(digits or b"0", 16)
        self._next = _DATA_NEXT if self._left else _TRAILER_NEXT

    def _bad_size(self, line: bytes) -> ProbeFailure:
        return refusal(f"chunk {self.number} of the body has an invalid size: {quoted(line)}")

    def _ends(self, trailer: bytes) -> bool:
        """Return whether a line after the last chunk is the empty one that ends the body."""
        line = trailer.rstrip(b"\r")
        if not line:
            return True
        if b"\0" in line or (b":" not in line and not line.startswith((b" ", b"\t"))):
            what = "a NUL byte" if b"\0" in line else "no colon"
            raise refusal(f"trailer has {what}: {quoted(line)}")
        return False
