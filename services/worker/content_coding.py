"""Undoes an answer's content codings (RFC 9110 §8.4.1): gzip, deflate, br, also nested. Pure, and bounded.

No step makes more than the limit, so a bomb of any size costs the limit once per coding.
"""

import zlib
from collections.abc import Sequence
from typing import Protocol

import brotli

from services.common.outcome import ErrorKind
from services.worker.exchange import ProbeFailure

_MOST_CODINGS = 3
_PIECE = 64 * 1024
_ALIASES = {"x-gzip": "gzip"}
_BROKEN = "the answer's body breaks its content coding"


class _Decoder(Protocol):
    """Takes a whole body once."""

    def __call__(self, data: bytes | bytearray, limit: int) -> tuple[bytes, bool]:
        """The decoded body up to the limit, and whether its coding came to its end.

        Raises:
            zlib.error, brotli.error: it is not in this coding.
        """


def decoded(
    headers: Sequence[tuple[bytes, bytes]], body: bytes | bytearray, limit: int, *, truncated: bool
) -> tuple[bytes, bool]:
    """A body without its codings, up to the limit, and whether there is more of it.

    Args:
        headers: the answer's.
        body: as it came over the wire.
        limit: how many bytes, after each step.
        truncated: whether more of it would have come.

    Raises:
        ProbeFailure: the body is not in the codings that its headers name, or is in one that nobody asked for.
    """
    data: bytes | bytearray = body
    if body:  # nothing, as HEAD and 304 have it, is in every coding
        for coding in reversed(codings(headers)):
            try:
                data, complete = _DECODERS[coding](data, limit)
            except (zlib.error, brotli.error) as error:
                raise ProbeFailure(ErrorKind.PROTOCOL, _BROKEN) from error
            if len(data) >= limit:
                truncated = truncated or not complete
            elif not complete and not truncated:
                raise ProbeFailure(ErrorKind.PROTOCOL, "the answer's body breaks off in its content coding")
    return bytes(data), truncated


def codings(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """The codings of a body in the order in which they were applied.

    Raises:
        ProbeFailure: one is unknown, or there are too many.
    """
    named = [
        _ALIASES.get(part, part)
        for name, value in headers
        if name.lower() == b"content-encoding"
        for part in (part.strip() for part in value.decode("latin-1").lower().split(","))
        if part not in {"", "identity"}
    ]
    if len(named) > _MOST_CODINGS or any(name not in _DECODERS for name in named):
        raise ProbeFailure(ErrorKind.PROTOCOL, "the answer's body has a content coding that was not asked for")
    return named


def _gunzip(data: bytes | bytearray, limit: int) -> tuple[bytes, bool]:
    """One or more members (RFC 1952 §2.2); what follows them is padding."""
    out = bytearray()
    rest: bytes | bytearray = data
    while True:
        member = zlib.decompressobj(wbits=31)
        out += member.decompress(rest, limit - len(out))
        rest = member.unused_data
        if not member.eof or not rest or rest[:2] != b"\x1f\x8b":
            return bytes(out), member.eof
        if len(out) >= limit:
            return bytes(out), False


def _inflate(data: bytes | bytearray, limit: int) -> tuple[bytes, bool]:
    """As the RFC says, under a zlib header, or bare, as some servers send it."""
    try:
        return _inflate_as(zlib.MAX_WBITS, data, limit)
    except zlib.error:
        return _inflate_as(-zlib.MAX_WBITS, data, limit)


def _inflate_as(wbits: int, data: bytes | bytearray, limit: int) -> tuple[bytes, bool]:
    stream = zlib.decompressobj(wbits=wbits)
    out = stream.decompress(data, limit)
    return out, stream.eof


def _unbrotli(data: bytes | bytearray, limit: int) -> tuple[bytes, bool]:
    stream = brotli.Decompressor()
    out = bytearray(stream.process(bytes(data), output_buffer_limit=_PIECE))
    while len(out) < limit and not stream.can_accept_more_data():
        out += stream.process(b"", output_buffer_limit=min(_PIECE, limit - len(out)))
    return bytes(out[:limit]), len(out) <= limit and stream.is_finished()


_DECODERS: dict[str, _Decoder] = {"gzip": _gunzip, "deflate": _inflate, "br": _unbrotli}
