"""What of an HTTP answer is accepted (docs/adr/0036): bytes of servers, and the verdict on each.

curl 7.88 and 8.23 were asked for each of them. Where they and the verdict differ, or they differ from each other, the
comment says so.
"""

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.worker.probe import Prober
from tests.integration.worker.probing import probe, verdict
from tests.support.targets import CHUNKED, saying, target

LENGTH_2 = b"\r\nContent-Length: 2\r\n\r\nok"
LAST = b"0\r\n\r\n"
NOT_HTTP = "invalid HTTP response: "
CUT_OFF = "server closed the connection before the response was complete: "


def head(*lines: bytes, body: bytes = b"ok") -> bytes:
    """An answer with these headers."""
    return b"\r\n".join((b"HTTP/1.1 200 OK", *lines)) + b"\r\n\r\n" + body


# Each of them shows the body "ok" and nothing else of its own.
ACCEPTED = {
    "all lines end in LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "the status line ends in LF": b"HTTP/1.1 200 OK\nContent-Length: 2\r\n\r\nok",
    "a header ends in LF": b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 2\r\n\r\nok",
    "the empty line is LF": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok",
    "the empty line alone is CRLF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\r\nok",
    # 8.23 refuses a CR that is not followed by LF; 7.88 takes it.
    "lines end in CRCRLF": b"HTTP/1.1 200 OK\r\r\nContent-Length: 2\r\r\n\r\r\nok",
    "CR within a value": head(b"A: b\rc", b"Content-Length: 2"),
    "a header is folded by a space": head(b"A: b;", b" c", b"Content-Length: 2"),
    "a header is folded by a tab": head(b"A: b;", b"\tc", b"Content-Length: 2"),
    "a header is folded twice, with a colon in the fold": head(b"A: b;", b"  c: d", b"\t e", b"Content-Length: 2"),
    "a header is folded by LF and a space": b"HTTP/1.1 200 OK\nA: b;\n c\nContent-Length: 2\n\nok",
    "the length is folded": head(b"Content-Length:", b" 2"),  # 7.88 refuses it
    "the first header is indented": head(b" A: b", b"Content-Length: 2"),  # 7.88 refuses it
    "a line of a single space": head(b"A: b", b" ", b"Content-Length: 2"),
    "a line of a single space before the empty line": head(b"Content-Length: 2", b" "),
    **{
        f"control character {each:02x} in a value": head(b"A: a%cb" % each, b"Content-Length: 2")
        for each in (1, 7, 8, 11, 12, 27, 31, 127)
    },
    "a control character in a name": head(b"A\x1b: b", b"Content-Length: 2"),
    "a control character in the reason phrase": b"HTTP/1.1 200 O\x01K" + LENGTH_2,
    "bytes beyond ASCII in a value": head(b"A: caf\xe9 \xff", b"Content-Length: 2"),
    "bytes beyond ASCII in the reason phrase": b"HTTP/1.1 200 \xe9t\xe9" + LENGTH_2,
    "spaces in a name": head(b"X Frame Options: DENY", b"Content-Length: 2"),
    "a space after a name": head(b"A : b", b"Content-Length: 2"),
    "a tab after a name": head(b"A\t: b", b"Content-Length: 2"),
    "a space after the name of the length": head(b"Content-Length : 2", body=b"ok, and more"),  # curl reads to the end
    "a space after the name of the coding": head(
        b"Transfer-Encoding : chunked", body=b"2\r\nok\r\n" + LAST
    ),  # as above
    "a name beyond ASCII": head("Größe: b".encode(), b"Content-Length: 2"),
    "a name of punctuation": head(b'"A"(b)[c]{d}<e>@,;/?=\\: b', b"Content-Length: 2"),
    "no name": head(b": b", b"Content-Length: 2"),
    "no value": head(b"A:", b"Content-Length: 2"),
    "no space after the colon": head(b"A:b", b"Content-Length:2"),
    "white space after a value": head(b"A: b \t ", b"Content-Length: 2 \t"),
    "HTTP in lower case": b"http/1.1 200 ok" + LENGTH_2,
    "no reason phrase": b"HTTP/1.1 200" + LENGTH_2,
    "no reason phrase, but its space": b"HTTP/1.1 200 " + LENGTH_2,
    "the reason phrase right after the code": b"HTTP/1.1 200OK" + LENGTH_2,
    "tabs in the status line": b"HTTP/1.1\t200\tOK" + LENGTH_2,  # 7.88 refuses it
    "two spaces before the code": b"HTTP/1.1  200 OK" + LENGTH_2,  # 8.23 refuses it
    "empty lines before the status line": b"\r\n\nHTTP/1.1 200 OK"
    + LENGTH_2,  # curl refuses it, RFC 9112 §2.2 does not
    "a status line of HTTP/2": b"HTTP/2 200" + LENGTH_2,
    "a status line of HTTP/3": b"HTTP/3 200" + LENGTH_2,  # 7.88 refuses it
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\nok",
    "HTTP/1.0 in chunks": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n" + LAST,
    "HTTP/1.1 without a length": head(),
    "an upgrade on offer": head(b"Connection: Upgrade", b"Upgrade: h2,h2c", b"Content-Length: 2"),
    "a Connection header of nonsense": head(b"Connection: \x01,,close", b"Content-Length: 2"),
    "1,000 headers": head(*(b"X-%d: y" % each for each in range(1_000)), b"Content-Length: 2"),
    "a header of 50,000 bytes": head(b"A: " + b"x" * 50_000, b"Content-Length: 2"),
    "spaces after chunk sizes": CHUNKED + b"2  \r\nok\r\n0   \r\n\r\n",
    "tabs after chunk sizes": CHUNKED + b"2\t\r\nok\r\n0\t\r\n\r\n",
    "a chunk extension": CHUNKED + b"2;a=b\r\nok\r\n0;c\r\n\r\n",
    "a chunk extension after a space": CHUNKED + b"2 ; a=b\r\nok\r\n" + LAST,
    "a quoted chunk extension": CHUNKED + b'2;a="b;c"\r\nok\r\n' + LAST,
    "a chunk extension of any bytes": CHUNKED + b"2;a=\xff\x01\0(\r\nok\r\n" + LAST,
    "other text after a chunk size": CHUNKED + b"2 bytes\r\nok\r\n" + LAST,
    "chunk lines end in LF": CHUNKED + b"2\nok\n0\n\n",
    "a chunk size ends in LF": CHUNKED + b"2\nok\r\n" + LAST,
    "chunk data end in LF": CHUNKED + b"2\r\nok\n" + LAST,
    "the last chunk ends in LF": CHUNKED + b"2\r\nok\r\n0\n\n",
    "chunk lines end in CRCRLF": CHUNKED + b"2\r\r\nok\r\r\n0\r\r\n\r\r\n",
    "zeros before a chunk size": CHUNKED
    + b"00000000000000000002\r\nok\r\n000\r\n\r\n",  # curl refuses more than 16 digits
    "a chunk for each byte": CHUNKED + b"1\r\no\r\n1\r\nk\r\n" + LAST,
    "trailers": CHUNKED + b"2\r\nok\r\n0\r\nA: b\r\nC : d\x01\n e\r\n\r\n",
    "a length with chunked": head(b"Content-Length: 2", b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n" + LAST),
    "chunked with another length": head(
        b"Transfer-Encoding: chunked", b"Content-Length: 99", body=b"2\r\nok\r\n" + LAST
    ),
    "chunked in upper case": head(b"Transfer-Encoding: CHUNKED ", body=b"2\r\nok\r\n" + LAST),
    "chunked twice": head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n" + LAST),
    "chunked twice in a list": head(b"Transfer-Encoding: chunked, chunked", body=b"2\r\nok\r\n" + LAST),
    "chunked between commas": head(b"Transfer-Encoding: ,chunked,", body=b"2\r\nok\r\n" + LAST),
    "identity, then chunked": head(b"Transfer-Encoding: identity, chunked", body=b"2\r\nok\r\n" + LAST),
    "chunked, then identity": head(
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"2\r\nok\r\n" + LAST
    ),
    "identity without a length": head(b"Transfer-Encoding: identity"),
    "identity with a length": head(b"Transfer-Encoding: identity", b"Content-Length: 2"),
    "an empty coding with a length": head(b"Transfer-Encoding: ", b"Content-Length: 2"),
    # curl refuses a coding that it does not know; browsers take no notice of it.
    "an unknown coding with a length": head(b"Transfer-Encoding: binary", b"Content-Length: 2"),
    "an unknown coding without a length": head(b"Transfer-Encoding: binary"),
    "the same length twice": head(b"Content-Length: 2", b"Content-Length: 2"),
    "the same length twice, once with a zero": head(b"Content-Length: 2", b"Content-Length: 02"),
    "the same length in a list": head(b"Content-Length: 2, 2,2"),
    "a length beyond 2^63": head(b"Content-Length: 99999999999999999999"),
    "bytes after the end": head(b"Content-Length: 2", body=b"okHTTP/1.1 500 Oops\r\n\r\n"),
    "100 before": b"HTTP/1.1 100 Continue\r\n\r\n" + head(b"Content-Length: 2"),
    "100 without a reason phrase before": b"HTTP/1.1 100\r\n\r\n" + head(b"Content-Length: 2"),
    "100 with a length before": b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" + head(b"Content-Length: 2"),
    "100 of HTTP/1.0 in LF before": b"HTTP/1.0 100 Continue\n\nHTTP/1.0 200 OK\nContent-Length: 2\n\nok",
    "102 twice and 103 before": b"HTTP/1.1 102 Wait\r\n\r\n" * 2
    + b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
    + head(b"Content-Length: 2"),
}

# Each of them is DOWN with PROTOCOL, whether the server closes the connection or not.
REFUSED = {
    "NUL in a value": (
        head(b"A: a\0b", b"Content-Length: 2"),
        NOT_HTTP + r'header line 2 has a NUL byte: "A: a\x00b"',
    ),
    "NUL in a name": (
        head(b"A\0: b", b"Content-Length: 2"),
        NOT_HTTP + r'header line 2 has a NUL byte: "A\x00: b"',
    ),
    "NUL in the reason phrase": (
        b"HTTP/1.1 200 O\0K" + LENGTH_2,
        NOT_HTTP + r'header line 1 has a NUL byte: "HTTP/1.1 200 O\x00K"',
    ),
    "a header without a colon": (head(b"A: b", b"<html>"), NOT_HTTP + 'header line 3 has no colon: "<html>"'),
    "a status of two digits": (b"HTTP/1.1 20 OK" + LENGTH_2, NOT_HTTP + 'malformed status line "HTTP/1.1 20 OK"'),
    "a status of four digits": (
        b"HTTP/1.1 2000 OK" + LENGTH_2,
        NOT_HTTP + 'malformed status line "HTTP/1.1 2000 OK"',
    ),  # 8.23 takes it
    "a status below 100": (b"HTTP/1.1 099 OK" + LENGTH_2, NOT_HTTP + 'malformed status line "HTTP/1.1 099 OK"'),
    "no status": (b"HTTP/1.1" + LENGTH_2, NOT_HTTP + 'malformed status line "HTTP/1.1"'),
    "an unknown version": (b"HTTP/1.2 200 OK" + LENGTH_2, NOT_HTTP + 'malformed status line "HTTP/1.2 200 OK"'),
    "a page without a head": (b"<html>hello</html>", NOT_HTTP + 'it begins with "<html>hello</html>"'),
    "SSH": (b"SSH-2.0-OpenSSH_9.2\r\n", NOT_HTTP + 'it begins with "SSH-2.0-OpenSSH_9.2"'),
    "SMTP": (b"220 mail.test ESMTP\r\n", NOT_HTTP + 'it begins with "220 mail.test ESMTP"'),
    "an alert of TLS": (b"\x15\x03\x01\0\x02\x02F", NOT_HTTP + r'it begins with "\x15\x03\x01\x00\x02\x02F"'),
    "different lengths": (
        head(b"Content-Length: 2", b"Content-Length: 3"),
        NOT_HTTP + "conflicting Content-Length values 2 and 3",
    ),  # 7.88 takes the last one
    "different lengths in a list": (
        head(b"Content-Length: 2, 3"),
        NOT_HTTP + "conflicting Content-Length values 2 and 3",
    ),
    "different lengths with chunked": (
        head(b"Content-Length: 2", b"Content-Length: 3", b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n" + LAST),
        NOT_HTTP + "conflicting Content-Length values 2 and 3",
    ),
    # Of these 7.88 takes those that begin with a digit.
    **{
        f"the length {value.decode()!r}": (
            head(b"Content-Length: " + value),
            f'{NOT_HTTP}Content-Length is not an integer: "{value.decode()}"',
        )
        for value in (b"", b"x", b"-1", b"+2", b"2 bytes", b"2;", b"2.0", b"0x2")
    },
    "a length that is none with chunked": (
        head(b"Content-Length: x", b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n" + LAST),
        NOT_HTTP + 'Content-Length is not an integer: "x"',
    ),
    **{
        f"the chunk size {size.decode()!r}": (
            CHUNKED + size + b"\r\nok\r\n" + LAST,
            f'{NOT_HTTP}chunk 1 of the body has an invalid size: "{size.decode()}"',
        )
        for size in (b"", b" 2", b"-2", b"+2", b"zz", b"<html>", b"ffffffffffffffff")
    },
    "the second chunk's size": (
        CHUNKED + b"2\r\nok\r\n?\r\n",
        NOT_HTTP + 'chunk 2 of the body has an invalid size: "?"',
    ),
    "a chunk longer than its size": (
        CHUNKED + b"2\r\nokay\r\n" + LAST,
        NOT_HTTP + "chunk 1 of the body is longer than its declared size of 2 bytes",
    ),
    "no line break after a chunk": (
        CHUNKED + b"2\r\nok0\r\n\r\n",
        NOT_HTTP + "chunk 1 of the body is longer than its declared size of 2 bytes",
    ),
    "a trailer without a colon": (
        CHUNKED + b"2\r\nok\r\n0\r\nend\r\n\r\n",
        NOT_HTTP + 'trailer has no colon: "end"',
    ),
    "NUL in a trailer": (
        CHUNKED + b"2\r\nok\r\n0\r\nA: \0\r\n\r\n",
        NOT_HTTP + r'trailer has a NUL byte: "A: \x00"',
    ),
}

# Each of them is DOWN with PROTOCOL once the connection is closed.
CUT = {
    "nothing": (b"", "server closed the connection without a response"),
    # curl takes a head that breaks off between two lines; a server that dies there is not up.
    "a head of one line": (b"HTTP/1.1 200 OK\r\n", CUT_OFF + "the headers are incomplete"),
    "a head that breaks off": (b"HTTP/1.1 200 OK\r\nA: b", CUT_OFF + "the headers are incomplete"),
    "100 and nothing": (b"HTTP/1.1 100 Continue\r\n\r\n", CUT_OFF + "the headers are incomplete"),
    "lines that end in CR": (
        b"HTTP/1.1 200 OK\rContent-Length: 2\r\rok",
        CUT_OFF + "the headers are incomplete",
    ),
    "a body shorter than its length": (
        head(b"Content-Length: 5"),
        CUT_OFF + "received 2 of 5 bytes of the body (Content-Length)",
    ),
    "a chunk shorter than its size": (CHUNKED + b"5\r\nok", CUT_OFF + "the body ends in chunk 1"),
    "no last chunk": (CHUNKED + b"2\r\nok\r\n", CUT_OFF + "the body ends in chunk 2"),
    "no end of the trailers": (CHUNKED + b"2\r\nok\r\n0\r\n", CUT_OFF + "the body ends in chunk 2"),
}


@pytest.mark.parametrize("answer", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_what_curl_accepts_is_up_and_its_body_is_whole(prober: Prober, answer: bytes) -> None:
    async with target(saying(answer)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", body_contains="ok")

    assert (verdict(seen), seen.error_message) == ((Outcome.UP, None), "")
    assert (seen.status_code, seen.body_bytes) == (200, 2)


@pytest.mark.parametrize(("answer", "says"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_read_is_down_at_once_and_the_message_says_what_and_where(
    prober: Prober, answer: bytes, says: str
) -> None:
    async with target(saying(answer, then_wait=True)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert (verdict(seen), seen.error_message) == ((Outcome.DOWN, ErrorKind.PROTOCOL), says)


@pytest.mark.parametrize(("answer", "says"), CUT.values(), ids=CUT.keys())
async def test_an_answer_that_breaks_off_is_down_and_the_message_says_where(
    prober: Prober, answer: bytes, says: str
) -> None:
    async with target(saying(answer)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert (verdict(seen), seen.error_message) == ((Outcome.DOWN, ErrorKind.PROTOCOL), says)


@pytest.mark.parametrize("behind", [b"", b"\x81\x02hi", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_another_protocol_is_an_answer_with_status_101_and_ends_it(prober: Prober, behind: bytes) -> None:
    answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
    async with target(saying(answer + behind, then_wait=True)) as port:
        expected = await probe(prober, f"http://127.0.0.1:{port}/", expected_statuses=(101,))
        not_expected = await probe(prober, f"http://127.0.0.1:{port}/")

    assert (verdict(expected), expected.body_bytes) == ((Outcome.UP, None), 0)
    assert verdict(not_expected) == (Outcome.DOWN, ErrorKind.STATUS)
    assert not_expected.error_message == "status 101, expected 200 to 299"


async def test_a_refusal_that_quotes_a_secret_of_the_check_masks_it_before_it_is_cut(prober: Prober) -> None:
    token = "t0ken" * 100
    async with target(saying(b"HTTP/1.1 200 OK\r\n" + token.encode() + b"\r\n\r\n", then_wait=True)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", headers=(("Authorization", f"Bearer {token}"),))

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.PROTOCOL)
    assert "t0ken" not in seen.error_message
    assert seen.error_message.startswith(NOT_HTTP + "header line 2 has no colon: ")
