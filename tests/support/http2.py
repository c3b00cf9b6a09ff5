"""HTTP/2 of a server, frame by frame, for tests that need an invalid one."""

from collections.abc import Iterator

import hpack
from grpc_health.v1 import health_pb2

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 0x20
GRPC = (("content-type", "application/grpc"),)
SERVING = health_pb2.HealthCheckResponse.SERVING


def frame(kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 1) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def frames(received: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and payload of each whole frame."""
    while len(received) >= 9 and len(received) >= (end := 9 + int.from_bytes(received[:3], "big")):
        yield received[3], received[9:end]
        received = received[end:]


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HELLO = frame(SETTINGS, stream=0)


def block(*headers: tuple[str, str]) -> bytes:
    """Return headers, each literal, so that blocks can be read in any order."""
    return bytes(hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(*pair) for pair in headers]))


def headers(*more: tuple[str, str], status: str = "200", end: bool = False) -> bytes:
    flags = END_HEADERS | (END_STREAM if end else 0)
    return frame(HEADERS, block((":status", status), *more), flags=flags)


def trailers(*more: tuple[str, str], status: str = "0") -> bytes:
    return frame(HEADERS, block(("grpc-status", status), *more), flags=END_HEADERS | END_STREAM)


def message(status: int = SERVING) -> bytes:
    return prefixed(health_pb2.HealthCheckResponse(status=status).SerializeToString())


def prefixed(payload: bytes, *, compressed: int = 0) -> bytes:
    return bytes([compressed]) + len(payload).to_bytes(4, "big") + payload


def answer(body: bytes, *, content_type: str = "application/grpc", grpc_status: str = "0") -> bytes:
    """Return a complete, valid response."""
    return HELLO + headers(("content-type", content_type)) + frame(DATA, body) + trailers(status=grpc_status)


GOOD = answer(message())
