"""The health protocol of gRPC: statuses, errors, and servers that do not support it."""

from typing import Any

from tests.integration.real_world.row import UP, Json, Row, Verdict, down, refused
from tests.integration.real_world.servers import NOBODY, Tcp
from tests.support.http2 import (
    DATA,
    GOAWAY,
    GRPC,
    HELLO,
    RST_STREAM,
    answer,
    frame,
    headers,
    message,
    prefixed,
    trailers,
)
from tests.support.http2 import GOOD as SERVING

_HEALTH = "grpc/grpc, doc/health-checking.md"
_STATUS = "grpc/grpc, doc/statuscodes.md"
_HTTP = "grpc/grpc, doc/http-grpc-status-mapping.md"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def _row(name: str, said: bytes, verdict: Verdict, source: str, *, why: str = "", then: Any = "keep") -> Row:
    return Row(name=name, target=Tcp(((_PREFACE, said),), then), check=_GRPC, verdict=verdict, source=source, why=why)


def _failing(status: int) -> bytes:
    return HELLO + headers(*GRPC, ("grpc-status", str(status)), end=True)


_GRPC: Json = {"grpc": {}}

ROWS = (
    _row("The server is SERVING", SERVING, UP, _HEALTH),
    _row("The server is NOT_SERVING", answer(message(2)), down("STATUS", "NOT_SERVING"), _HEALTH),
    _row("The server's state is UNKNOWN", answer(message(0)), down("STATUS", "UNKNOWN"), _HEALTH),
    _row("The service is unknown to the server", answer(message(3)), down("STATUS", "SERVICE_UNKNOWN"), _HEALTH),
    *(
        _row(f"The call fails with {name}", _failing(code), down("STATUS", name, status=code), source)
        for name, code, source in (
            ("CANCELLED", 1, _STATUS),
            ("UNKNOWN", 2, _STATUS),
            ("DEADLINE_EXCEEDED", 4, _STATUS),
            ("NOT_FOUND", 5, _HEALTH),
            ("PERMISSION_DENIED", 7, _STATUS),
            ("RESOURCE_EXHAUSTED", 8, _STATUS),
            ("UNIMPLEMENTED", 12, "prometheus/blackbox_exporter#904"),
            ("INTERNAL", 13, _STATUS),
            ("UNAVAILABLE", 14, _STATUS),
            ("UNAUTHENTICATED", 16, _STATUS),
        )
    ),
    *(
        _row(
            f"A proxy returns {status}",
            HELLO + headers(("content-type", "text/html"), status=str(status), end=True),
            down("STATUS", str(status)),
            _HTTP,
        )
        for status in (401, 403, 404, 429, 502, 503)
    ),
    _row(
        "The response is HTML",
        answer(b"<html>", content_type="text/html"),
        down("PROTOCOL", "not gRPC"),
        _HTTP,
        why="The response is not gRPC",
    ),
    _row(
        "The content type has a message format",
        HELLO + headers(("content-type", "application/grpc+proto")) + frame(DATA, message()) + trailers(),
        UP,
        "grpc/grpc, doc/PROTOCOL-HTTP2.md",
    ),
    _row(
        "The response has no trailers",
        HELLO + headers(*GRPC) + frame(DATA, message(), flags=1),
        down("PROTOCOL", "no gRPC status"),
        "grpc/grpc, doc/PROTOCOL-HTTP2.md",
        why="The status of the call is missing",
    ),
    _row(
        "The message is compressed",
        answer(prefixed(b"\x08\x01", compressed=1)),
        down("PROTOCOL", "compressed"),
        "grpc/grpc, doc/compression.md",
        why="The client did not request compression",
    ),
    _row("The message is empty", answer(prefixed(b"")), down("STATUS", "UNKNOWN"), _HEALTH),
    _row(
        "The server resets the stream",
        HELLO + frame(RST_STREAM, (7).to_bytes(4, "big")),
        down("PROTOCOL", "reset the stream"),
        "RFC 9113 §6.4",
        why="The call is incomplete",
    ),
    _row(
        "The server sends GOAWAY",
        HELLO + frame(GOAWAY, bytes(4) + (11).to_bytes(4, "big"), stream=0),
        down("PROTOCOL", "GOAWAY"),
        "RFC 9113 §6.8",
        why="The call gets no response",
        then="close",
    ),
    _row(
        "The server closes the connection without a response",
        b"",
        down("PROTOCOL", "connection lost"),
        "prometheus/blackbox_exporter#1260",
        then="close",
    ),
    _row(
        "The server speaks HTTP/1.1",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        down("PROTOCOL", "HTTP/2"),
        "RFC 9113 §3.4",
        then="close",
    ),
    Row(
        name="The server never responds",
        target=Tcp(then="stall"),
        check={**_GRPC, "timeout": "2s"},
        verdict=down("TIMEOUT", "timed out after 2 s"),
        source=_STATUS,
    ),
    Row(
        name="The port is closed",
        target=NOBODY,
        check={"grpc": {"address": "127.0.0.1:$CLOSED_PORT"}},
        verdict=down("CONNECT_REFUSED", "refused"),
        source=_STATUS,
    ),
    *(
        Row(
            name=f"The address is {words}",
            target=NOBODY,
            check={"grpc": {"address": address}},
            verdict=refused("check.grpc.address", says_),
            source="docs/checks.md",
        )
        for words, address, says_ in (
            ("a URL", "https://api.test:443", "a host and a port"),
            ("a name without a port", "api.test", "a host and a port"),
            ("an IPv6 address without brackets", "::1:443", "a host and a port"),
            ("followed by port 0", "api.test:0", "port"),
        )
    ),
)
