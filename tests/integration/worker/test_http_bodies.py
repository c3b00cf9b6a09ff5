"""How bodies are read (docs/adr/0036): headers and bytes of servers, an assertion, and its verdict."""

import gzip
import zlib
from dataclasses import dataclass

import brotli
import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.assertions import Assertion, BodyContains, BodyLacks, BodyMatches, HeaderIs, JsonPathIs
from services.worker.probe import Prober
from tests.integration.worker.probing import probe, verdict
from tests.support.targets import Echo, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A behaviour.

    Attributes:
        headers: lines of the answer.
        body: its bytes.
        asserted: what the check asserts.
        kind: None for UP.
        says: what the message has to contain.
    """

    headers: tuple[str, ...] = ()
    body: bytes
    asserted: Assertion
    kind: ErrorKind | None = None
    says: str = ""


PAGE = "<h1>Störung</h1>"
LATIN = PAGE.encode("latin-1")
STATUS_OK = JsonPathIs("$.status", "equals", "ok")
LARGE = b'{"id": 12345678901234567, "other": 12345678901234568, "price": 1.10, "huge": 123456789012345678901234567890}'
HTML_LATIN = ("Content-Type: text/html; charset=ISO-8859-1",)


def json_of(path: str, comparison: str, operand: str | float | bool | None, body: bytes = LARGE, **rest: object) -> Row:
    return Row(body=body, asserted=JsonPathIs(path, comparison, operand), **rest)  # type: ignore[arg-type] # fields of a row


def lists(depth: int, inner: bytes = b"") -> bytes:
    return b"[" * depth + inner + b"]" * depth


def chunked(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def flushed(stream: "zlib._Compress", text: bytes) -> bytes:
    """All of a text, without the end of the stream."""
    return stream.compress(text) + stream.flush(zlib.Z_SYNC_FLUSH)


def brotli_without_end(text: bytes) -> bytes:
    stream = brotli.Compressor()
    return bytes(stream.process(text) + stream.flush())


ROWS = {
    "text of an outage in Latin-1": Row(
        headers=HTML_LATIN, body=LATIN, asserted=BodyLacks("Störung"), kind=ErrorKind.ASSERTION
    ),
    "wanted text in Latin-1": Row(headers=HTML_LATIN, body=LATIN, asserted=BodyContains("Störung")),
    "an expression on Latin-1": Row(headers=HTML_LATIN, body=LATIN, asserted=BodyMatches("^<h1>St.rung</h1>$")),
    "wanted text in GB2312": Row(
        headers=("content-type: text/html; charset=gb2312",), body="故障".encode("gbk"), asserted=BodyContains("故障")
    ),
    "wanted text in Shift_JIS": Row(
        headers=('Content-Type: text/plain; charset="Shift_JIS"',),
        body="障害".encode("cp932"),
        asserted=BodyContains("障害"),
    ),
    "Latin-1 under gzip": Row(
        headers=(*HTML_LATIN, "Content-Encoding: gzip"), body=gzip.compress(LATIN), asserted=BodyContains("Störung")
    ),
    "UTF-16 with a byte order mark": Row(body=PAGE.encode("utf-16"), asserted=BodyContains("Störung")),
    "UTF-8 with a byte order mark": Row(body=PAGE.encode("utf-8-sig"), asserted=BodyMatches("^<h1>")),
    "a page that says it is Latin-1": Row(
        headers=("Content-Type: text/html",),
        body=b'<meta charset="iso-8859-1">' + LATIN,
        asserted=BodyContains("Störung"),
    ),
    "an unknown charset": Row(
        headers=("Content-Type: text/html; charset=unknown",), body=PAGE.encode(), asserted=BodyContains("Störung")
    ),
    "a codec of Python as a charset": Row(
        headers=("Content-Type: text/plain; charset=rot13",), body=b"hello", asserted=BodyContains("hello")
    ),
    "JSON in Latin-1": Row(
        headers=("Content-Type: application/json; charset=latin1",),
        body='{"status": "Störung"}'.encode("latin-1"),
        asserted=JsonPathIs("$.status", "equals", "Störung"),
    ),
    **{
        f"JSON after a byte order mark of {codec}": Row(body='{"status": "ok"}'.encode(codec), asserted=STATUS_OK)
        for codec in ("utf-8-sig", "utf-16")
    },
    "JSON after a byte order mark of UTF-16BE": Row(
        body=b"\xfe\xff" + '{"status": "ok"}'.encode("utf-16-be"), asserted=STATUS_OK
    ),
    "JSON with half a surrogate pair": Row(body=rb'{"status": "ok", "log": "deploy \ud83d"}', asserted=STATUS_OK),
    "half a surrogate pair itself": Row(
        body=rb'{"status": "\uDE00!"}', asserted=STATUS_OK, kind=ErrorKind.ASSERTION, says='json_path $.status: "?!"'
    ),
    "an expression on half a surrogate pair": Row(
        body=rb'{"a": "x\ud83d"}', asserted=JsonPathIs("$.a", "matches", "^x.$")
    ),
    "JSON with a byte that is not UTF-8": Row(body=b'{"status": "ok", "name": "caf\xe9"}', asserted=STATUS_OK),
    "no JSON with half a surrogate pair": Row(
        body=rb'{"status": "\ud83d"', asserted=STATUS_OK, kind=ErrorKind.ASSERTION, says="body is not JSON"
    ),
    "deep JSON with half a surrogate pair": Row(
        body=b"[" * 100_000 + rb'"\ud83d"', asserted=STATUS_OK, kind=ErrorKind.ASSERTION, says="body is not JSON"
    ),
    "NaN beside half a surrogate pair": Row(
        body=rb'{"status": "ok", "a": NaN, "b": "\ud83d"}',
        asserted=STATUS_OK,
        kind=ErrorKind.ASSERTION,
        says="not JSON",
    ),
    "a large number as text": json_of("$.id", "equals_text", "12345678901234567"),
    "its neighbour as text": json_of(
        "$.other",
        "equals_text",
        "12345678901234567",
        kind=ErrorKind.ASSERTION,
        says='json_path $.other: 12345678901234568; expected: equals the text "12345678901234567"',
    ),
    "a large number that must not be": json_of(
        "$.id", "not_equals_text", "12345678901234567", kind=ErrorKind.ASSERTION
    ),
    "its neighbour that may be": json_of("$.other", "not_equals_text", "12345678901234567"),
    "a number beyond 64 bits as text": json_of("$.huge", "equals_text", "123456789012345678901234567890"),
    "a fraction as it stands": json_of("$.price", "equals_text", "1.10"),
    "a fraction as it does not stand": json_of("$.price", "equals_text", "1.1", kind=ErrorKind.ASSERTION),
    "a string as text": json_of("$.a", "equals_text", "5", body=b'{"a": "5"}'),
    "true as text": json_of("$.a", "equals_text", "true", body=b'{"a": true}'),
    "null as text": json_of("$.a", "equals_text", "null", body=b'{"a": null}'),
    "a string that is no expression": json_of("$.a", "equals", "[(", body=b'{"a": "[("}'),
    "a list has no text": json_of("$.a", "equals_text", "[]", body=b'{"a": []}', kind=ErrorKind.ASSERTION),
    "what is not there has no text": json_of("$.b", "not_equals_text", "x", kind=ErrorKind.ASSERTION),
    "each of several as text": json_of("$.*", "not_equals_text", "12345678901234567", kind=ErrorKind.ASSERTION),
    "text of what is not JSON": json_of(
        "$.a", "equals_text", "x", body=b"{", kind=ErrorKind.ASSERTION, says="not JSON"
    ),
    "text of Infinity": json_of(
        "$.a", "equals_text", "x", body=b'{"a": Infinity}', kind=ErrorKind.ASSERTION, says="not JSON"
    ),
    "text of deep JSON": json_of(
        "$", "equals_text", "x", body=b"[" * 100_000, kind=ErrorKind.ASSERTION, says="not JSON"
    ),
    "an infinite number elsewhere": json_of("$.status", "equals", "ok", body=b'{"n": 1e400, "status": "ok"}'),
    "an infinite number": json_of("$.n", "greater_than", 9e15, body=b'{"n": 1e400}'),
    "a number below all": json_of(
        "$.n", "at_least", 1, body=b'{"n": -1e400}', kind=ErrorKind.ASSERTION, says="json_path $.n: -Infinity"
    ),
    **{
        f"an integer of {digits:,} digits elsewhere": json_of(
            "$.status", "equals", "ok", body=b'{"n": %s, "status": "ok"}' % (b"7" * digits)
        )
        for digits in (30, 400, 5_000, 500_000)
    },
    "an integer of 5,000 digits": json_of("$.n", "greater_than", 5, body=b'{"n": %s}' % (b"7" * 5_000)),
    "an integer of 5,000 digits as text": json_of(
        "$.n", "equals_text", "7" * 5_000, body=b'{"n": %s}' % (b"7" * 5_000)
    ),
    "a wrong number beside half a surrogate pair": json_of(
        "$.n",
        "equals",
        5,
        body=rb'{"n": 777777777777777777777777777777, "a": "\ud83d"}',
        kind=ErrorKind.ASSERTION,
        says="json_path $.n: 7.777",
    ),
    **{
        f"2,000 {what} elsewhere, {comparison}": json_of("$.status", comparison, "ok", body=body)
        for what, body in {
            "lists": b'{"deep": %s%s, "status": "ok"}' % (b"[" * 2_000, b"]" * 2_000),
            "objects": b'{"deep": %s1%s, "status": "ok"}' % (b'{"a":' * 2_000, b"}" * 2_000),
        }.items()
        for comparison in ("equals", "equals_text", "matches")
    },
    "what stands in 2,000 lists": json_of("$..status", "equals", "ok", body=lists(2_000, b'{"status": "ok"}')),
    "another value in 2,000 lists": json_of(
        "$..status", "equals", "ok", body=lists(2_000, b'{"status": "bad"}'), kind=ErrorKind.ASSERTION, says='"bad"'
    ),
    "2,000 lists that do not end": json_of(
        "$.status",
        "equals",
        "ok",
        body=b'{"status": "ok", "deep": ' + b"[" * 2_000 + b"}",
        kind=ErrorKind.ASSERTION,
        says="json_path $.status: body is not JSON; expected",
    ),
    "more lists than are read": json_of(
        "$", "exists", True, body=lists(30_000), kind=ErrorKind.ASSERTION, says="nested too deeply"
    ),
    **{
        f"Transfer-Encoding {coding}, {frames}": Row(
            headers=(*lines, "Transfer-Encoding: chunked"), body=chunked(body), asserted=asserted
        )
        if frames == "chunked"
        else Row(headers=lines, body=body, asserted=asserted)
        for coding, lines, body in (
            ("gzip", ("Transfer-Encoding: gzip",), gzip.compress(b"hello")),
            ("X-GZIP", ("transfer-encoding: X-GZIP",), gzip.compress(b"hello")),
            ("deflate", ("Transfer-Encoding: deflate",), zlib.compress(b"hello")),
            ("gzip twice", ("Transfer-Encoding: gzip, gzip",), gzip.compress(gzip.compress(b"hello"))),
            (
                "gzip around br",
                ("Transfer-Encoding: gzip", "Content-Encoding: br"),
                gzip.compress(brotli.compress(b"hello")),
            ),
            ("of another word", ("Transfer-Encoding: binary",), b"hello"),
        )
        for asserted in (BodyMatches("^hello$"),)
        for frames in ("chunked", "with a length")
    },
    "Transfer-Encoding: gzip, chunked": Row(
        headers=("Transfer-Encoding: gzip, chunked",),
        body=chunked(gzip.compress(b"<p>Error</p>")),
        asserted=BodyLacks("Error"),
        kind=ErrorKind.ASSERTION,
    ),
    "JSON under a coding of the transfer": Row(
        headers=("Transfer-Encoding: gzip, chunked",),
        body=chunked(gzip.compress(b'{"status": "ok"}')),
        asserted=STATUS_OK,
    ),
    "a coding of the transfer that cannot be undone": Row(
        headers=("Transfer-Encoding: compress, chunked",),
        body=chunked(b"\x1f\x9d\x90h"),
        asserted=BodyLacks("Error"),
        kind=ErrorKind.PROTOCOL,
        says="response body has the transfer coding compress, which was not requested",
    ),
    "a coding of the transfer that the body is not in": Row(
        headers=("Transfer-Encoding: gzip, chunked",),
        body=chunked(b"hello"),
        asserted=BodyContains("hello"),
        kind=ErrorKind.PROTOCOL,
        says="response body is not valid in its content coding",
    ),
    "two charsets": Row(
        headers=("Content-Type: text/html; charset=utf-8", "Content-Type: text/html; charset=iso-8859-1"),
        body=LATIN,
        asserted=BodyContains("Störung"),
    ),
    "two content types, one charset": Row(
        headers=(*HTML_LATIN, "Content-Type: text/html"), body=LATIN, asserted=BodyContains("Störung")
    ),
    "another content type without the charset": Row(
        headers=(*HTML_LATIN, "Content-Type: text/plain"), body=PAGE.encode(), asserted=BodyContains("Störung")
    ),
    # curl and browsers show what came of these.
    **{
        f"{what}: {asks}": Row(
            headers=(f"Content-Encoding: {coding}",), body=body, asserted=asserted, kind=kind, says=says
        )
        for what, coding, body in (
            ("gzip without its trailer", "gzip", gzip.compress(PAGE.encode())[:-8]),
            ("gzip without the end of its trailer", "gzip", gzip.compress(PAGE.encode())[:-1]),
            ("deflate without its trailer", "deflate", zlib.compress(PAGE.encode())[:-4]),
        )
        for asks, asserted, kind, says in (
            ("all of it", BodyMatches("^<h1>Störung</h1>$"), None, ""),
            ("a text that is not in it", BodyLacks("Error"), None, ""),
            (
                "a text that should not be in it",
                BodyLacks("Störung"),
                ErrorKind.ASSERTION,
                "contains the excluded text",
            ),
            ("a text that should be in it", BodyContains("Error"), ErrorKind.ASSERTION, "does not contain"),
        )
    },
    **{
        f"{what}: {asks}": Row(
            headers=(f"Content-Encoding: {coding}",), body=body, asserted=asserted, kind=kind, says=says
        )
        for what, coding, body in (
            ("gzip that nobody ended", "gzip", flushed(zlib.compressobj(wbits=31), b'{"a": "Hello"}')),
            ("deflate that nobody ended", "deflate", flushed(zlib.compressobj(), b'{"a": "Hello"}')),
            ("br that nobody ended", "br", brotli_without_end(b'{"a": "Hello"}')),
        )
        for asks, asserted, kind, says in (
            ("its text", BodyContains("Hello"), None, ""),
            ("an expression", BodyMatches("Hel+o"), None, ""),
            ("its JSON", JsonPathIs("$.a", "equals", "Hello"), None, ""),
            ("a text that is not in it", BodyLacks("Error"), None, ""),
            ("a text that should be in it", BodyContains("Error"), ErrorKind.ASSERTION, "does not contain"),
            ("a text that should not be in it", BodyLacks("Hello"), ErrorKind.ASSERTION, "contains the excluded text"),
        )
    },
    **{
        f"{coding} that breaks off within a block": Row(
            headers=(f"Content-Encoding: {coding}",),
            body=body,
            asserted=BodyContains("hello"),
            kind=ErrorKind.PROTOCOL,
            says="response body ends before its content coding is complete",
        )
        for coding, body in (
            ("gzip", gzip.compress(b"hello, all systems go")[:-12]),
            ("deflate", zlib.compress(b"hello, all systems go")[:-8]),
            ("br", brotli.compress(b"hello, all systems go" * 100)[:-2]),
        )
    },
    "gzip with a wrong check": Row(
        headers=("Content-Encoding: gzip",),
        body=gzip.compress(b"hello")[:-8] + bytes(8),
        asserted=BodyContains("hello"),
        kind=ErrorKind.PROTOCOL,
        says="response body is not valid in its content coding",
    ),
    **{
        f"Content-Encoding {word}": Row(
            headers=(f"Content-Encoding: {word}",), body=b"hello", asserted=BodyContains("hello")
        )
        for word in ("none", "UTF-8", "binary", "8bit", "identity", "", "none, identity")
    },
    "an unknown coding beside gzip": Row(
        headers=("Content-Encoding: gzip, none",), body=gzip.compress(b"hello"), asserted=BodyContains("hello")
    ),
    "x-gzip": Row(headers=("Content-Encoding: X-GZIP",), body=gzip.compress(b"hello"), asserted=BodyContains("hello")),
    "deflate with a zlib header": Row(
        headers=("Content-Encoding: deflate",), body=zlib.compress(b"hello"), asserted=BodyContains("hello")
    ),
    "deflate without one": Row(
        headers=("Content-Encoding: deflate",), body=zlib.compress(b"hello")[2:-4], asserted=BodyContains("hello")
    ),
    "gzip, then br": Row(
        headers=("Content-Encoding: gzip", "content-encoding: br"),
        body=brotli.compress(gzip.compress(b"hello")),
        asserted=BodyContains("hello"),
    ),
    "a body that cannot be shown to lack a text": Row(
        headers=("Content-Encoding: zstd",),
        body=b"\x28\xb5\x2f\xfd",
        asserted=BodyLacks("Error"),
        kind=ErrorKind.PROTOCOL,
        says="response body has the content coding zstd, which was not requested",
    ),
    "white space after a header's value": Row(headers=("X: a \t ",), body=b"", asserted=HeaderIs("x", "equals", "a")),
    "a folded header": Row(headers=("X: a;\t\r\n \t b",), body=b"", asserted=HeaderIs("x", "equals", "a; b")),
    "a header with a space after its name": Row(headers=("X : a",), body=b"", asserted=HeaderIs("x", "matches", "^a$")),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_a_body_is_read_as_browsers_read_it(prober: Prober, row: Row) -> None:
    lines = ["HTTP/1.1 200 OK", *row.headers, f"Content-Length: {len(row.body)}"]
    async with target(Echo("\r\n".join(lines).encode() + b"\r\n\r\n" + row.body)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", asserted=(row.asserted,))

    assert verdict(seen) == (Outcome.UP if row.kind is None else Outcome.DOWN, row.kind), seen.error_message
    assert row.says in seen.error_message


@pytest.mark.parametrize("status", [101, 200, 299, 404, 599, 600, 999])
async def test_every_final_status_can_be_expected(prober: Prober, status: int) -> None:
    async with target(Echo(b"HTTP/1.1 %d Odd\r\nContent-Length: 0\r\n\r\n" % status)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", expected_statuses=(status,))
        other = await probe(prober, f"http://127.0.0.1:{port}/", expected_statuses=(202,))

    assert verdict(seen) == (Outcome.UP, None)
    assert verdict(other) == (Outcome.DOWN, ErrorKind.STATUS)
