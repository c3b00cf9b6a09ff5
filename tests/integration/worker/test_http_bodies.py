"""How bodies are read (docs/adr/0036): headers and bytes of servers, an assertion, and its verdict."""

import gzip
import zlib
from dataclasses import dataclass

import brotli
import pytest

from services.common.outcome import ErrorKind, Outcome
from services.common.specs.assertions import Assertion, BodyContains, BodyLacks, BodyMatches, HeaderIs, JsonPathIs
from services.worker.probe import Prober
from tests.integration.worker.probing import probe, verdict
from tests.targets import Echo, target


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
        body=rb'{"status": "\ud83d"', asserted=STATUS_OK, kind=ErrorKind.ASSERTION, says="a body that is not JSON"
    ),
    "deep JSON with half a surrogate pair": Row(
        body=b"[" * 100_000 + rb'"\ud83d"', asserted=STATUS_OK, kind=ErrorKind.ASSERTION, says="a body that is not JSON"
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
        says='json_path $.other: 12345678901234568; expected: says "12345678901234567"',
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
        says="the answer's body has the content coding zstd, which was not asked for",
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
