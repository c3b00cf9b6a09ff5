"""Small bodies that decompress to a gigabyte of zeros, built without compressing a gigabyte."""

import gzip
import struct
import zlib
from functools import cache

import brotli

MIB = 1024 * 1024
_PIECES = 1024
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\2\xff"


@cache
def gzip_bomb() -> bytes:
    """Return a valid gzip member of 1 GiB of zeros, about 1 MiB long.

    After a full flush each compressed piece is independent, so the same bytes can be repeated.
    """
    piece, deflate, crc = bytes(MIB), zlib.compressobj(9, wbits=-15), 0
    compressed = deflate.compress(piece) + deflate.flush(zlib.Z_FULL_FLUSH)
    for _ in range(_PIECES):
        crc = zlib.crc32(piece, crc)
    end = deflate.flush() + struct.pack("<II", crc, _PIECES * MIB & 0xFFFFFFFF)
    return _GZIP_HEADER + compressed * _PIECES + end


@cache
def brotli_bomb() -> bytes:
    """Return 1 GiB of zeros as brotli."""
    stream, piece = brotli.Compressor(quality=1), bytes(MIB)
    return b"".join(bytes(stream.process(piece)) for _ in range(_PIECES)) + bytes(stream.finish())


def wrapped_in_gzip(body: bytes) -> bytes:
    """Return a body as gzip, with the same bytes each time."""
    return gzip.compress(body, mtime=0)
