"""Undoes an answer's content codings (RFC 9110 §8.4.1): gzip, deflate, br, also nested. Pure, and bounded.

No step makes more than the limit, so a bomb of any size costs the limit once per coding.
"""

import zlib
from collections.abc import Sequence
from typing import Protocol

import brotli

from services.common.outcome import ErrorKind
from services.worker.wire.probe_failure import ProbeFailure

_MOST_CODINGS = 3
_PIECE = 64 * 1024
_MEMBER = b"\x1f\x8b"
# A piece is copied for each: very many small ones would cost seconds.
_MOST_MEMBERS = 64
_ALIASES = {"x-gzip": "gzip"}
# Registered codings that cannot be undone here. Any other word says nothing about the body, which is then as it stands.
_FOREIGN = frozenset({"aes128gcm", "compress", "dcb", "dcz", "exi", "pack200-gzip", "x-compress", "zstd"})


class _Decoder(Protocol):
    """Takes a whole body once."""

    def __call__(self, data: memoryview, most: int) -> tuple[bytearray, bool]:
        """At most so much of the decoded body, and whether its coding came to its end.

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
        ProbeFailure: the body is not in the codings that its headers name, or is in one that cannot be undone.
    """
    if not body:
        return b"", truncated  # as HEAD and 304 have it; nothing is in every coding
    data: bytes | bytearray = body
    for coding in reversed(codings(headers)):
        try:
            data, complete = _DECODERS[coding](memoryview(data), limit + 1)
        except (zlib.error, brotli.error) as error:
            raise ProbeFailure(ErrorKind.PROTOCOL, "the answer's body breaks its content coding") from error
        if len(data) > limit:
            truncated = True
            del data[limit:]
        elif not complete and not truncated:
            raise ProbeFailure(ErrorKind.PROTOCOL, "the answer's body breaks off in its content coding")
    return bytes(data), truncated


def codings(headers: Sequence[tuple[bytes, bytes]]) -> list[str]:
    """The codings of a body in the order in which they were applied, without the words that name none.

    Raises:
        ProbeFailure: one cannot be undone, or there are too many.
    """
    named = [
        _ALIASES.get(part, part)
        for name, value in headers
        if name.lower() == b"content-encoding"
        for part in (part.partition(";")[0].strip() for part in value.decode("latin-1").lower().split(","))
    ]
    foreign = next((name for name in named if name in _FOREIGN), None)
    if foreign is not None:
        sentence = f"the answer's body has the content coding {foreign}, which was not asked for"
        raise ProbeFailure(ErrorKind.PROTOCOL, sentence)
    known = [name for name in named if name in _DECODERS]
    if len(known) > _MOST_CODINGS:
        sentence = f"the answer's body has {len(known)} content codings, more than {_MOST_CODINGS}"
        raise ProbeFailure(ErrorKind.PROTOCOL, sentence)
    return known


def _gunzip(data: memoryview, most: int) -> tuple[bytearray, bool]:
    """One or more members (RFC 1952 §2.2); what follows them is padding."""
    out = bytearray()
    for _ in range(_MOST_MEMBERS):
        stream = zlib.decompressobj(wbits=31)
        data = _decompress(stream, data, most, out)
        if not stream.eof or len(out) == most or data[:2] != _MEMBER:
            return out, stream.eof
    raise zlib.error("too many members")


def _inflate(data: memoryview, most: int) -> tuple[bytearray, bool]:
    """As the RFC says, under a zlib header, or bare, as some servers send it."""
    try:
        return _inflate_as(zlib.MAX_WBITS, data, most)
    except zlib.error:
        return _inflate_as(-zlib.MAX_WBITS, data, most)


def _inflate_as(wbits: int, data: memoryview, most: int) -> tuple[bytearray, bool]:
    stream, out = zlib.decompressobj(wbits=wbits), bytearray()
    _decompress(stream, data, most, out)
    return out, stream.eof


def _decompress(stream: "zlib._Decompress", data: memoryview, most: int, out: bytearray) -> memoryview:
    """Decompress into `out` until the stream ends or holds the most; answers what is behind the stream.

    In pieces: zlib copies what it does not take.
    """
    at = 0
    while at < len(data) and not stream.eof and len(out) < most:
        piece = data[at : at + _PIECE]
        at += len(piece)
        out += stream.decompress(piece, most - len(out))
    return data[at - len(stream.unused_data) :]


def _unbrotli(data: memoryview, most: int) -> tuple[bytearray, bool]:
    stream, out = brotli.Decompressor(), bytearray()
    at = 0
    while len(out) < most and not stream.is_finished():
        piece = data[at : at + _PIECE] if stream.can_accept_more_data() else data[:0]
        if not piece and stream.can_accept_more_data():
            break  # nothing is left
        at += len(piece)
        out += stream.process(piece, output_buffer_limit=min(_PIECE, most - len(out)))
    finished = stream.is_finished()
    del out[most:]
    return out, finished


_DECODERS: dict[str, _Decoder] = {"gzip": _gunzip, "deflate": _inflate, "br": _unbrotli}
