"""Content codings: supported codings, values that are not codings, and bodies that cannot be decoded."""

import gzip
import zlib

import brotli

from tests.integration.real_world.row import UP, Row, down, http, up
from tests.integration.real_world.servers import ok, says

_CODINGS = "RFC 9110 §8.4"
_NONE = "WHATWG Fetch, handle content codings; apify/crawlee#1067"
_BODY = b"hello, all systems go"
_HELLO = http(bodyContains="hello")


def _coded(coding: str, body: bytes, *lines: bytes) -> bytes:
    return ok(body, b"Content-Encoding: " + coding.encode(), *lines)


def _raw_deflate(body: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(body) + stream.flush()


_GZIP = gzip.compress(_BODY, mtime=0)

ROWS = (
    *(
        Row(name=f"The body is in {words}", target=says(_coded(coding, body)), check=_HELLO, verdict=UP, source=source)
        for words, coding, body, source in (
            ("gzip", "gzip", _GZIP, "RFC 9110 §8.4.1.3"),
            ("x-gzip", "x-gzip", _GZIP, "RFC 9110 §8.4.1.3"),
            ("GZIP in upper case", "GZIP", _GZIP, "RFC 9110 §8.4.1"),
            ("deflate", "deflate", zlib.compress(_BODY), "RFC 9110 §8.4.1.2"),
            ("deflate without zlib's header", "deflate", _raw_deflate(_BODY), "RFC 9110 §8.4.1.2"),
            ("br", "br", brotli.compress(_BODY), "RFC 7932 §1"),
            ("identity", "identity", _BODY, _CODINGS),
            ("gzip with two members", "gzip", gzip.compress(b"hel") + gzip.compress(b"lo"), "RFC 1952 §2.2"),
            ("gzip followed by zero bytes", "gzip", _GZIP + bytes(8), "gzip manual, tapes"),
            ("gzip in gzip", "gzip, gzip", gzip.compress(_GZIP), _CODINGS),
            ("deflate, then gzip", "deflate, gzip", gzip.compress(zlib.compress(_BODY)), _CODINGS),
            ("gzip followed by other data", "gzip", _GZIP + b"garbage", "gzip manual, trailing garbage"),
            ("gzip, then none", "gzip, none", _GZIP, _NONE),
            ("gzip after identity four times", "identity, identity, identity, identity, gzip", _GZIP, _CODINGS),
            ("gzip with a weight", "gzip;q=1.0", _GZIP, _CODINGS),
            ("gzip, then identity", "gzip, identity", _GZIP, _CODINGS),
            ("a coding with an empty name", "", _BODY, _CODINGS),
        )
    ),
    *(
        Row(
            name=f"Content-Encoding is {coding}, and the body is not encoded",
            target=says(_coded(coding, _BODY)),
            check=_HELLO,
            verdict=UP,
            source=source,
        )
        for coding, source in (
            ("none", _NONE),
            ("no", _NONE),
            ("utf-8", "mitmproxy/mitmproxy#1531"),
            ("utf8", "apache/httpcomponents-client#698"),
            ("binary", "hgoebl/DavidWebb#31"),
            ("8bit", _NONE),
            ("7bit", _NONE),
            ("plain", _NONE),
            ("text", _NONE),
            ("iso-8859-1", _NONE),
            ("aws-chunked", _NONE),
            ("null", _NONE),
            ("amz-1.0", _NONE),
            ("chunked", _NONE),
            ("text/html", _NONE),
            ("base64", _NONE),
        )
    ),
    Row(
        name="Content-Encoding is none, and a text is excluded",
        target=says(_coded("none", b"fatal error")),
        check=http(assertions=[{"bodyNotContains": "fatal error"}]),
        verdict=down("ASSERTION", "contains the excluded text"),
        source=_NONE,
    ),
    Row(
        name="Content-Encoding is utf-8, and the body is JSON",
        target=says(_coded("utf-8", b'{"status": "ok"}')),
        check=http(assertions=[{"jsonPath": {"path": "$.status", "equals": "ok"}}]),
        verdict=UP,
        source="mitmproxy/mitmproxy#1531",
    ),
    Row(
        name="An unknown coding precedes gzip",
        target=says(_coded("none, gzip", _GZIP)),
        check=_HELLO,
        verdict=UP,
        source=_NONE,
    ),
    Row(
        name="The body is in gzip without a Content-Encoding",
        target=says(ok(_GZIP)),
        check=_HELLO,
        verdict=down("ASSERTION", "does not contain"),
        source=_CODINGS,
    ),
    Row(
        name="Content-Encoding is gzip, and the body is not encoded",
        target=says(_coded("gzip", _BODY)),
        check=_HELLO,
        verdict=down("PROTOCOL", "not valid in its content coding"),
        source="curl manual, exit code 61; louislam/uptime-kuma#2344",
    ),
    Row(
        name="Content-Encoding is gzip, and a body that is not encoded is not tested",
        target=says(_coded("gzip", _BODY)),
        verdict=up(200),
        source="docs/checks.md",
    ),
    Row(
        name="The gzip data is truncated",
        target=says(_coded("gzip", _GZIP[:-12])),
        check=_HELLO,
        verdict=down("PROTOCOL", "ends before its content coding is complete"),
        source="RFC 1952 §2.3",
    ),
    Row(
        name="The gzip checksum is wrong",
        target=says(_coded("gzip", _GZIP[:-8] + bytes(8))),
        check=_HELLO,
        verdict=down("PROTOCOL", "not valid in its content coding"),
        source="RFC 1952 §2.3.1",
    ),
    Row(
        name="The br data is truncated",
        target=says(_coded("br", brotli.compress(_BODY)[:-4])),
        check=_HELLO,
        verdict=down("PROTOCOL", "ends before its content coding"),
        source="RFC 7932 §9",
    ),
    Row(
        name="Content-Encoding is gzip, and the body is empty",
        target=says(_coded("gzip", b"")),
        check=http(assertions=[{"bodyNotContains": "error"}]),
        verdict=UP,
        source="trusche/httplog#39; zendframework/zendframework#7220",
    ),
    Row(
        name="The response to HEAD has Content-Encoding gzip",
        target=says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n"),
        check=http(method="HEAD"),
        verdict=up(200),
        source="spring-projects/spring-framework#35966; http4s/http4s#3452",
    ),
    Row(
        name="A 204 response has Content-Encoding gzip",
        target=says(b"HTTP/1.1 204 No Content\r\nContent-Encoding: gzip\r\n\r\n"),
        check=http(assertions=[{"bodyNotContains": "error"}]),
        verdict=up(204),
        source="RFC 9110 §15.3.5",
    ),
    Row(
        name="A body in gzip is chunked",
        target=says(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
            % (len(_GZIP), _GZIP)
        ),
        check=_HELLO,
        verdict=UP,
        source="RFC 9112 §7.1",
    ),
    Row(
        name="A body in gzip is in another charset",
        target=says(
            _coded(
                "gzip",
                gzip.compress("Störung".encode("latin-1"), mtime=0),
                b"Content-Type: text/html; charset=iso-8859-1",
            )
        ),
        check=http(bodyContains="Störung"),
        verdict=UP,
        source="RFC 9110 §8.3",
    ),
    Row(
        name="One KiB of gzip expands to more than 1 MiB",
        target=says(_coded("gzip", gzip.compress(bytes(2 * 1024 * 1024), mtime=0))),
        check=_HELLO,
        verdict=down("TOO_LARGE", "too large to inspect completely"),
        source="docs/checks.md",
    ),
    Row(
        name="No content coding is requested if the body is not tested",
        target=says(b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\nContent-Length: 4\r\n\r\n(\xb5/\xfd"),
        verdict=up(200),
        source=_CODINGS,
    ),
)
