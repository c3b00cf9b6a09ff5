"""The client side of one HTTP/2 request (RFC 9113): the bytes to send, and the response, limited in size. Pure.

Frames are parsed here, headers by hpack. The state machine of a complete HTTP/2 library costs more than the rest of the
probe, for streams, priorities and windows that a single request does not use (docs/adr/0023, docs/adr/0042).
"""

import struct
from collections.abc import Sequence

import hpack

from services.checks.outcome import ErrorKind
from services.wire.probe_failure import ProbeFailure

Headers = list[tuple[bytes, bytes]]

LARGEST_BODY = 65_536
LARGEST_HEADERS = 65_536
_LARGEST_FRAME = 16_384
# Limits of all that is received, including acknowledgements and padding.
_MOST_FRAMES = 1_024
_MOST_BYTES = 262_144

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_HEAD = 9
_STREAM = 1
_ID = 0x7FFF_FFFF
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PUSH_PROMISE, _PING, _GOAWAY, _CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 9
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
_SETTING = struct.Struct("!HI")
_ENABLE_PUSH, _MAX_HEADER_LIST_SIZE = 2, 6
_PING_SIZE = 8
_RST_STREAM_SIZE = 4
_GOAWAY_SIZE = 8
_NAMES = (
    "NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
    "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
)  # fmt: skip


def request(headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """Return all bytes that a client sends for one request, including its settings.

    Args:
        headers: the headers, at most a few thousand bytes, pseudo-headers first.
        body: the body, at most 16 KiB.
    """
    settings = _SETTING.pack(_ENABLE_PUSH, 0) + _SETTING.pack(_MAX_HEADER_LIST_SIZE, LARGEST_HEADERS)
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, settings)
        + _frame(_HEADERS, _END_HEADERS, _STREAM, hpack.Encoder().encode(headers))
        + _frame(_DATA, _END_STREAM, _STREAM, body)
    )


class Answer:
    """The response so far.

    Attributes:
        headers: the headers with pseudo-headers; empty until they are complete.
        trailers: the headers after the body; empty if there are none.
        body: the body, at most 64 KiB.
        is_complete: whether the response has ended.
    """

    __slots__ = ("_block", "_block_ends", "_bytes", "_decoder", "_frames", "_heard", "body", "headers", "is_complete",
                 "trailers")  # fmt: skip

    def __init__(self) -> None:
        self.headers: Headers = []
        self.trailers: Headers = []
        self.body = bytearray()
        self.is_complete = False
        self._decoder = hpack.Decoder(LARGEST_HEADERS)
        self._heard = bytearray()
        # The header block that continues in the next frame, and whether it ends the stream.
        self._block: bytearray | None = None
        self._block_ends = False
        self._frames = 0
        self._bytes = 0

    def feed(self, data: bytes) -> bytes:
        """Process received bytes and return the bytes to send back.

        Raises:
            ProbeFailure: TOO_LARGE if the response exceeds a limit; PROTOCOL if it violates HTTP/2, or if the server
                resets the stream or sends GOAWAY for it.
        """
        self._bytes += len(data)
        if self._bytes > _MOST_BYTES:
            raise ProbeFailure(ErrorKind.TOO_LARGE, "response is larger than 256 KiB")
        heard, replies, start = self._heard, b"", 0
        heard += data
        while len(heard) - start >= _FRAME_HEAD and not self.is_complete:
            length, kind, flags = int.from_bytes(heard[start : start + 3], "big"), heard[start + 3], heard[start + 4]
            if not self._frames and kind != _SETTINGS:
                raise ProbeFailure(ErrorKind.PROTOCOL, "server does not speak HTTP/2")
            if length > _LARGEST_FRAME:
                raise ProbeFailure(ErrorKind.PROTOCOL, "server sent a frame larger than the maximum frame size")
            end = start + _FRAME_HEAD + length
            if len(heard) < end:
                break
            self._frames += 1
            if self._frames > _MOST_FRAMES:
                raise ProbeFailure(ErrorKind.TOO_LARGE, f"response has more than {_MOST_FRAMES} frames")
            stream = int.from_bytes(heard[start + 5 : start + _FRAME_HEAD], "big") & _ID
            replies += self._frame(kind, flags, stream, bytes(heard[start + _FRAME_HEAD : end]))
            start = end
        del heard[:start]
        return replies

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        """Process a frame and return the bytes to send back."""
        if self._block is not None and (kind != _CONTINUATION or stream != _STREAM):
            raise _broken("unterminated header block")
        if kind in {_SETTINGS, _PING, _GOAWAY}:
            return self._of_connection(kind, flags, stream, payload)
        if kind in {_DATA, _HEADERS, _CONTINUATION, _PUSH_PROMISE} and stream != _STREAM:
            raise _broken("frame on an unknown stream")
        if kind == _HEADERS:
            self._block, self._block_ends = bytearray(), bool(flags & _END_STREAM)
            self._headers(flags, _unpadded(flags, payload))
        elif kind == _CONTINUATION:
            self._headers(flags, payload)
        elif kind == _DATA:
            self._data(flags, _unpadded(flags & _PADDED, payload))
        elif kind == _PUSH_PROMISE:
            raise _broken("server push although it is disabled")
        elif kind == _RST_STREAM:
            _take_reset(stream, payload)
        return b""  # WINDOW_UPDATE, PRIORITY and frames of extensions need no reply

    def _of_connection(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        if stream:
            raise _broken("connection frame on a stream")
        if kind == _GOAWAY:
            if len(payload) < _GOAWAY_SIZE:
                raise _broken("GOAWAY frame is too short")
            if int.from_bytes(payload[:4], "big") & _ID < _STREAM or any(payload[4:8]):
                raise ProbeFailure(ErrorKind.PROTOCOL, f"server sent GOAWAY ({_name(payload[4:8])})")
            return b""  # the server still completes this stream
        if kind == _PING and len(payload) != _PING_SIZE:
            raise _broken("PING frame of the wrong size")
        if kind == _SETTINGS and len(payload) % _SETTING.size:
            raise _broken("SETTINGS frame of the wrong size")
        if flags & _ACK:
            return b""
        return _frame(kind, _ACK, 0, payload if kind == _PING else b"")

    def _headers(self, flags: int, part: bytes) -> None:
        if self._block is None:
            raise _broken("CONTINUATION frame without HEADERS")
        self._block += part
        if len(self._block) > LARGEST_HEADERS:
            raise ProbeFailure(ErrorKind.TOO_LARGE, "response headers are larger than 64 KiB")
        if not flags & _END_HEADERS:
            return
        decoded, self._block = self._decoded(bytes(self._block)), None
        if self.headers:
            if not self._block_ends:
                raise _broken("trailers do not end the stream")
            self.trailers = decoded
        elif _status(decoded)[:1] != b"1":  # an interim response (1xx) is ignored
            self.headers = decoded
        elif self._block_ends:
            raise _broken("interim response ends the stream")
        self.is_complete = self._block_ends

    def _decoded(self, block: bytes) -> Headers:
        try:
            return [(name, value) for name, value in self._decoder.decode(block, raw=True)]
        except hpack.OversizedHeaderListError as error:
            raise ProbeFailure(ErrorKind.TOO_LARGE, "response headers are larger than 64 KiB") from error
        except hpack.HPACKError as error:
            raise _broken("malformed header block") from error

    def _data(self, flags: int, part: bytes) -> None:
        if not self.headers:
            raise _broken("DATA frame before HEADERS")
        self.body += part
        if len(self.body) > LARGEST_BODY:
            raise ProbeFailure(ErrorKind.TOO_LARGE, "response body is larger than 64 KiB")
        self.is_complete = bool(flags & _END_STREAM)


def _take_reset(stream: int, payload: bytes) -> None:
    if len(payload) != _RST_STREAM_SIZE:
        raise _broken("RST_STREAM frame of the wrong size")
    if stream == _STREAM:
        raise ProbeFailure(ErrorKind.PROTOCOL, f"server reset the stream ({_name(payload)})")


def _status(headers: Headers) -> bytes:
    for name, value in headers:
        if name == b":status":
            return bytes(value)
    raise _broken("response without a status")


def _unpadded(flags: int, payload: bytes) -> bytes:
    """Return the payload of a frame without its padding and, for HEADERS, without its priority."""
    start, end = 0, len(payload)
    if flags & _PADDED:
        start, end = 1, end - (payload[0] if payload else 0)
    if flags & _PRIORITY:
        start += 5
    if start > end:
        raise _broken("padding exceeds the frame")
    return payload[start:end]


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def _name(code: bytes) -> str:
    """Return the name of an error code."""
    number = int.from_bytes(code, "big")
    return _NAMES[number] if number < len(_NAMES) else f"code {number}"


def _broken(what: str) -> ProbeFailure:
    return ProbeFailure(ErrorKind.PROTOCOL, f"HTTP/2 protocol error: {what}")
