"""Decoding of a response body: gzip, deflate, br, also nested. Pure, and bounded (docs/adr/0036).

It undoes content codings (RFC 9110 §8.4.1) and transfer codings (RFC 9112 §7), which were applied after them.

No step produces more than the limit, so a decompression bomb costs at most the limit for each coding.
"""

import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol, TypeAlias

import brotli

from services.checks.outcome import ErrorKind
from services.wire.probe_failure import ProbeFailure

_MOST_CODINGS = 3
_PIECE = 64 * 1024
_MEMBER = b"\x1f\x8b"
# Each member copies a piece: very many small ones would cost seconds.
_MOST_MEMBERS = 64
_CONTENT, _TRANSFER = b"content-encoding", b"transfer-encoding"
# The end of a flushed deflate block; an empty last block of deflate (RFC 1951 §3.2.6), and of br (RFC 7932 §9.2).
_FLUSHED = b"\0\0\xff\xff"
_LAST_BLOCK, _LAST_BLOCK_OF_BROTLI = b"\x03\x00", b"\x03"
_NAMES = frozenset({_CONTENT, _TRANSFER})
_LENGTHS = frozenset(map(len, _NAMES))
Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
_ALIASES = {"x-gzip": "gzip"}
# Registered codings that are not supported. Unregistered ones are ignored, so the body counts as unencoded.
_FOREIGN = frozenset({"aes128gcm", "compress", "dcb", "dcz", "exi", "pack200-gzip", "x-compress", "zstd"})


class _Decoder(Protocol):
    """A function that decodes a whole body."""

    def __call__(self, data: memoryview, most: int) -> tuple[bytearray, bool]:
        """Return at most so much of the decoded body, and whether it is complete; the coding need not be.

        Raises:
            zlib.error, brotli.error: the body is not valid in this coding.
        """


def decoded(headers: Headers, body: bytes | bytearray, limit: int, *, truncated: bool) -> tuple[bytes, bool]:
    """Return a body without its codings, up to the limit, and whether there is more of it.

    Args:
        headers: the headers of the response.
        body: the body as received.
        limit: the maximum size in bytes, after each step.
        truncated: whether the body was truncated already.

    Raises:
        ProbeFailure: the body is not valid in its codings, or one of them is not supported.
    """
    if not body:
        return b"", truncated  # as for HEAD and 304; an empty body is valid in every coding
    data: bytes | bytearray = body
    for coding in reversed(codings(headers)):
        try:
            data, complete = _DECODERS[coding](memoryview(data), limit + 1)
        except (zlib.error, brotli.error) as error:
            raise ProbeFailure(ErrorKind.PROTOCOL, "response body is not valid in its content coding") from error
        if len(data) > limit:
            truncated = True
            del data[limit:]
        elif not complete and not truncated:
            raise ProbeFailure(ErrorKind.PROTOCOL, "response body ends before its content coding is complete")
    return bytes(data), truncated


def is_coded(headers: Headers) -> bool:
    """Return whether headers may name a coding; chunked alone is none."""
    return any(name == _CONTENT or value.lower() != b"chunked" for name, value in _naming(headers))


def codings(headers: Headers) -> list[str]:
    """Return the codings of a body in the order in which they were applied; unregistered ones are omitted.

    Raises:
        ProbeFailure: one is not supported, or there are too many.
    """
    content: list[str] = []
    transfer: list[str] = []
    for name, value in _naming(headers):
        known = content if name == _CONTENT else transfer
        for part in value.decode("latin-1").lower().split(","):
            coding = part.partition(";")[0].strip()
            if coding in _FOREIGN:
                kind = "content" if known is content else "transfer"
                sentence = f"response body has the {kind} coding {coding}, which was not requested"
                raise ProbeFailure(ErrorKind.PROTOCOL, sentence)
            coding = _ALIASES.get(coding, coding)
            if coding in _DECODERS:
                known.append(coding)
    if len(content) + len(transfer) > _MOST_CODINGS:
        of = f"{len(content)} content" + f" and {len(transfer)} transfer" * bool(transfer)
        raise ProbeFailure(ErrorKind.PROTOCOL, f"response body has {of} codings, limit {_MOST_CODINGS}")
    return content + transfer


def _naming(headers: Headers) -> Headers:
    """Return the headers that name codings, with their names in lower case."""
    # Their lengths are cheaper to compare than their names.
    found = [(name.lower(), value) for name, value in headers if len(name) in _LENGTHS]
    return [each for each in found if each[0] in _NAMES] if found else found


def _gunzip(data: memoryview, most: int) -> tuple[bytearray, bool]:
    """Decode one or more members (RFC 1952 §2.2); data after them is padding."""
    out = bytearray()
    for _ in range(_MOST_MEMBERS):
        stream, start = zlib.decompressobj(wbits=31), len(out)
        rest = _decompress(stream, data, most, out)
        if len(out) == most or (stream.eof and rest[:2] != _MEMBER):
            return out, stream.eof
        if not stream.eof:
            member = out[start:]
            return out, _lacks_only(struct.pack("<II", zlib.crc32(member), len(member)), stream, data)
        data = rest
    raise zlib.error("too many members")


def _inflate(data: memoryview, most: int) -> tuple[bytearray, bool]:
    """Decode with a zlib header, as in the RFC, or raw deflate, as some servers send it."""
    try:
        return _inflate_as(zlib.MAX_WBITS, data, most)
    except zlib.error:
        return _inflate_as(-zlib.MAX_WBITS, data, most)


def _inflate_as(wbits: int, data: memoryview, most: int) -> tuple[bytearray, bool]:
    stream, out = zlib.decompressobj(wbits=wbits), bytearray()
    _decompress(stream, data, most, out)
    if stream.eof or len(out) == most:
        return out, stream.eof
    return out, _lacks_only(struct.pack(">I", zlib.adler32(out)) if wbits > 0 else b"", stream, data)


def _lacks_only(trailer: bytes, stream: "zlib._Decompress", data: memoryview) -> bool:
    """Return whether a stream that breaks off lacks no text: in its trailer, or after a flushed block.

    In this case it ends, without more text, after the rest of the trailer, or an empty last block and the trailer.
    """
    ends = [trailer[at:] for at in range(len(trailer))]
    if data[-len(_FLUSHED) :] == _FLUSHED:
        ends.append(_LAST_BLOCK + trailer)
    for end in ends:
        rest = stream.copy()
        with suppress(zlib.error):
            if not rest.decompress(end, 1) and rest.eof:
                return True
    return False


def _decompress(stream: "zlib._Decompress", data: memoryview, most: int, out: bytearray) -> memoryview:
    """Decompress into `out` until the stream ends or the limit is reached; return the data after the stream.

    In pieces, because zlib copies its unused input.
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
        made = stream.process(piece, output_buffer_limit=min(_PIECE, most - len(out)))
        if not (piece or made):
            break  # no data is left
        at += len(piece)
        out += made
    finished = stream.is_finished()
    if not finished and at == len(data) and len(out) < most:
        with suppress(brotli.error):  # as in _lacks_only
            finished = not stream.process(_LAST_BLOCK_OF_BROTLI) and stream.is_finished()
    del out[most:]
    return out, finished


_DECODERS: dict[str, _Decoder] = {"gzip": _gunzip, "deflate": _inflate, "br": _unbrotli}
