"""Where redirects lead, and what goes along (docs/adr/0036): pages of a server, a check, and its verdict.

What is asked for was compared with what curl 7.88 and 8.23 ask for with `-L -b ''`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.tls_options import TlsOptions
from services.worker.probe import Prober
from tests.integration.worker.probing import probe, verdict
from tests.support.targets import OK, Authority, target

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


def to(location: str | bytes, *lines: bytes, status: int = 302) -> bytes:
    """A redirect; in it PORT and OTHER are the ports of two servers with the same pages, and SECURE is one with TLS."""
    value = location if isinstance(location, bytes) else location.encode()
    head = (b"HTTP/1.1 %d Moved" % status, b"Location: " + value, *lines, b"Content-Length: 0")
    return b"\r\n".join(head) + b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer, and to which requests it is given.

    Attributes:
        path: what stands in the request line; with PORT and OTHER as above.
        has: what the request has to contain; with PORT and OTHER as above.
        lacks: what it must not contain.
    """

    path: str
    answer: bytes = OK
    has: Sequence[bytes] = ()
    lacks: Sequence[bytes] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A behaviour; the check begins at /dir/start.

    Attributes:
        pages: the first one that suits is given; 404 where none does.
        spec: fields of the check.
        redirects: how many have to be followed.
        kind: None for UP.
        says: what the message has to contain; with PORT as above.
    """

    pages: Sequence[Page]
    spec: dict[str, Any] = field(default_factory=dict)
    redirects: int = 1
    kind: ErrorKind | None = None
    says: str = ""


def leads(location: str | bytes, path: str, **fields: Any) -> Row:
    """A redirect, and the target that has to be asked for."""
    return Row(pages=[Page(path="/dir/start", answer=to(location)), Page(path=path)], **fields)


def with_cookie(line: bytes, location: str = "/next", **fields: Any) -> Row:
    """A redirect that sets a cookie, and where it leads, which needs it."""
    pages = [Page(path="/dir/start", answer=to(location, b"Set-Cookie: " + line)), Page(path="/next", has=[b"a=1"])]
    return Row(pages=pages, **fields)


POST = {
    "method": "POST",
    "body": b"ping",
    "headers": (("Content-Type", "text/x"), ("Authorization", "t"), ("X-Key", "k")),
}
SECRETS = (b"Authorization", b"X-Key", b"Cookie")
ROWS = {
    "raw UTF-8 in the path": leads("/café", "/caf%C3%A9"),
    "raw Latin-1 in the path": leads(b"/caf\xe9", "/caf%E9"),
    "raw UTF-8 in the query": leads("/?u=é", "/?u=%C3%A9"),
    "what is encoded stays so": leads("/caf%C3%A9%20x", "/caf%C3%A9%20x"),
    "a space in the path": leads("/a b", "/a%20b"),
    "white space after the location": leads("/login \t", "/login"),
    "a folded location": leads(b"\r\n /login", "/login"),
    "another path": leads("/x", "/x"),
    "a path beside": leads("x", "/dir/x"),
    "a path above": leads("../x", "/x"),
    "a query alone": leads("?q=1", "/dir/start?q=1"),
    "a fragment": leads("/x#top", "/x"),
    "another host without a scheme": leads("//localhost:PORT/x", "/x"),
    "three slashes": leads("///localhost:PORT/x", "/x"),
    # curl; for browsers it is a path of the same host where the scheme is that of the page.
    "one slash": leads("http:/localhost:PORT/x", "/x"),
    "one slash, and another scheme": leads(
        "https:/127.0.0.1:SECURE/x", "/x", spec={"tls": TlsOptions(skip_verify=True)}
    ),
    # curl refuses these.
    "no slash": leads("http:x", "/dir/x"),
    "no slash, and what looks like a host": leads("http:localhost:PORT/x", "/dir/localhost:PORT/x"),
    "no slash, and another scheme": leads("https:127.0.0.1:SECURE/x", "/x", spec={"tls": TlsOptions(skip_verify=True)}),
    "backslashes before the host": leads(r"http:\\localhost:PORT\x", "/x"),
    "a slash and a backslash before the host": leads("http:/\\localhost:PORT/x", "/x"),
    # curl takes a backslash for a part of a name.
    "backslashes, and no scheme": leads(r"\\localhost:PORT\x", "/x"),
    "a backslash before the path": leads(r"\x", "/x"),
    "a backslash in the path": leads("/a\\b", "/a/b"),
    "a backslash in the query": leads("/a?b\\c", "/a?b\\c"),
    "a backslash before an at sign": leads("http://localhost:PORT\\@192.0.2.1/x", "/@192.0.2.1/x"),
    **{
        f"the address {host}": Row(
            pages=[
                Page(path="/dir/start", answer=to(f"http://{host}:OTHER/x")),
                Page(path="/x", has=[b"Host: 127.0.0.1:OTHER\r\n"]),
            ]
        )
        for host in (
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0X7F000001",
            "2130706433",
            "0177.0.0.01",
            "127.0.0.1.",
            "%31%32%37.1",
            "127。1",
        )
    },
    "secrets go to the same address however it is written": Row(
        pages=[
            Page(path="/dir/start", answer=to("http://127.1:PORT/x")),
            Page(path="/x", has=[b"Authorization: t"]),
        ],
        spec={"headers": (("Authorization", "t"),)},
    ),
    "a scheme in upper case": leads("HTTP://LOCALHOST:PORT/x", "/x"),
    "a host without a path": leads("http://localhost:PORT", "/"),
    "a host and a query": leads("http://localhost:PORT?q", "/?q"),
    "300 with a location": Row(pages=[Page(path="/dir/start", answer=to("/x", status=300)), Page(path="/x")]),
    "304 with a location": Row(
        pages=[Page(path="/dir/start", answer=to("/x", status=304))], redirects=0, spec={"expected_statuses": (304,)}
    ),
    "201 with a location": Row(pages=[Page(path="/dir/start", answer=to("/x", status=201))], redirects=0),
    "credentials in the location": Row(
        pages=[
            Page(path="/dir/start", answer=to("http://u:p@localhost:PORT/x")),
            Page(path="/x", has=[b"Authorization: Basic dTpw\r\n", b"Host: localhost:PORT\r\n"]),
        ]
    ),
    "no host": leads("http://", "/", kind=ErrorKind.PROTOCOL, says='must contain a host: "http://"', redirects=0),
    "a scheme that nobody follows": leads(
        "ftp://127.0.0.1/", "/", kind=ErrorKind.STATUS, says="status 302", redirects=0
    ),
    "a cookie": with_cookie(b"a=1; Path=/"),
    "a cookie without a path is not for the folder above": with_cookie(
        b"a=1", kind=ErrorKind.STATUS, says="status 404"
    ),
    "a cookie of the page itself": Row(
        pages=[
            Page(path="/dir/start", has=[b"Cookie: a=1\r\n"]),
            Page(path="/dir/start", answer=to("/dir/start", b"Set-Cookie: a=1")),
        ]
    ),
    "a cookie of two redirects before": Row(
        pages=[
            Page(path="/dir/start", answer=to("/b", b"Set-Cookie: a=1; Path=/", b"set-cookie: b=2; Path=/")),
            Page(path="/b", answer=to("/c", b"Set-Cookie: c=3", b"Set-Cookie: b=; Max-Age=0; Path=/")),
            Page(path="/c", has=[b"Cookie: a=1; c=3\r\n"]),
        ],
        redirects=2,
    ),
    "a cookie with a control character is not sent": Row(
        pages=[
            Page(path="/dir/start", answer=to("/x", b"Set-Cookie: a=1\x01; Path=/")),
            Page(path="/x", lacks=[b"Cookie"]),
        ]
    ),
    "a cookie of another path is not sent": with_cookie(b"a=1; Path=/dir", kind=ErrorKind.STATUS, says="status 404"),
    "a cookie without a path is for the folder": Row(
        pages=[
            Page(path="/dir/start", answer=to("/dir/next", b"Set-Cookie: a=1")),
            Page(path="/dir/next", has=[b"a=1"]),
        ]
    ),
    "a cookie of another host is not sent": with_cookie(
        b"a=1; Path=/", "http://localhost:PORT/next", kind=ErrorKind.STATUS, says="status 404"
    ),
    "a cookie goes to every port": with_cookie(b"a=1; Path=/", "http://127.0.0.1:OTHER/next"),
    "a cookie goes to https": with_cookie(
        b"a=1; Path=/", "https://127.0.0.1:SECURE/next", spec={"tls": TlsOptions(skip_verify=True)}
    ),
    "a Secure cookie over http is not kept": with_cookie(
        b"a=1; Path=/; Secure",
        "https://127.0.0.1:SECURE/next",
        spec={"tls": TlsOptions(skip_verify=True)},
        kind=ErrorKind.STATUS,
        says="404",
    ),
    "the check's own cookies go along": Row(
        pages=[
            Page(path="/dir/start", answer=to("/x", b"Set-Cookie: a=1; Path=/"), has=[b"Cookie: own=1; a=0\r\n"]),
            Page(path="/x", has=[b"Cookie: own=1; a=1\r\n"]),
        ],
        spec={"headers": (("Cookie", "own=1; a=0"),)},
    ),
    "the check's own Host within the origin": Row(
        pages=[
            Page(path="/dir/start", answer=to("/x"), has=[b"Host: shop.test\r\n"]),
            Page(path="/x", has=[b"Host: shop.test\r\n"], lacks=[b"127.0.0.1"]),
        ],
        spec={"headers": (("Host", "shop.test"),)},
    ),
    "the check's own Host stays behind elsewhere": Row(
        pages=[
            Page(path="/dir/start", answer=to("http://127.0.0.1:OTHER/x"), has=[b"Host: shop.test\r\n"]),
            Page(path="/x", has=[b"Host: 127.0.0.1:OTHER\r\n"], lacks=[b"shop.test"]),
        ],
        spec={"headers": (("Host", "shop.test"),)},
    ),
    "the check's own Host is the cookies' host": Row(
        pages=[
            Page(path="/dir/start", answer=to("/x", b"Set-Cookie: a=1; Domain=shop.test; Path=/")),
            Page(path="/x", has=[b"Cookie: a=1\r\n"]),
        ],
        spec={"headers": (("Host", "www.shop.test:80"),)},
    ),
    **{
        f"POST over {status} within the origin": Row(
            pages=[
                Page(path="/dir/start", answer=to("/x", status=status)),
                Page(
                    path="/x",
                    has=[b"POST /x", b"Content-Type: text/x", b"Authorization: t", b"X-Key: k", b"\r\n\r\nping"],
                ),
            ],
            spec=POST,
        )
        for status in (307, 308)
    },
    **{
        f"POST over {status} to another origin": Row(
            pages=[
                Page(path="/dir/start", answer=to("http://127.0.0.1:OTHER/x", status=status)),
                Page(path="/x", has=[b"POST /x", b"Content-Type: text/x", b"\r\n\r\nping"], lacks=SECRETS),
            ],
            spec=POST,
        )
        for status in (307, 308)
    },
    **{
        f"POST over {status}": Row(
            pages=[
                Page(path="/dir/start", answer=to("/x", status=status)),
                Page(
                    path="/x", has=[b"GET /x", b"Authorization: t"], lacks=[b"Content-Type", b"Content-Length", b"ping"]
                ),
            ],
            spec=POST,
        )
        for status in (301, 302, 303)
    },
    "secrets are sent again once the way leads back": Row(
        pages=[
            Page(path="/dir/start", answer=to("http://127.0.0.1:OTHER/login"), has=[b"Authorization: t"]),
            Page(path="/login", answer=to("http://127.0.0.1:PORT/back"), lacks=SECRETS),
            Page(path="/back", has=[b"Authorization: t", b"X-Key: k"]),
        ],
        spec={"headers": (("Authorization", "t"), ("X-Key", "k"))},
        redirects=2,
    ),
    "a loop": leads(
        "/dir/start",
        "/x",
        redirects=5,
        kind=ErrorKind.TOO_MANY_REDIRECTS,
        says="too many redirects, limit 5; last location: http://127.0.0.1:PORT/dir/start",
    ),
    "a redirect to nothing": leads(
        "?again",
        "/x",
        spec={"max_redirects": 1},
        kind=ErrorKind.STATUS,
        says="status 404",
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_a_redirect_leads_where_curl_is_led(prober: Prober, authority: Authority, row: Row) -> None:
    ports: dict[bytes, int] = {}

    def filled(text: bytes) -> bytes:
        for name, port in ports.items():
            text = text.replace(name, str(port).encode())
        return text

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if b"Content-Length: 4\r\n" in request:
            request += await reader.readexactly(4)
        path = request.split(b" ")[1]
        answer = next(
            (
                page.answer
                for page in row.pages
                if filled(page.path.encode()) == path
                and all(filled(each) in request for each in page.has)
                and not any(filled(each) in request for each in page.lacks)
            ),
            NOT_FOUND,
        )
        writer.write(filled(answer))
        await writer.drain()
        writer.close()

    async with (
        target(handler) as port,
        target(handler) as other,
        target(handler, authority.server("127.0.0.1")) as secure,
    ):
        ports |= {b"PORT": port, b"OTHER": other, b"SECURE": secure}
        seen = await probe(prober, f"http://127.0.0.1:{port}/dir/start", **row.spec)

    assert verdict(seen) == (Outcome.UP if row.kind is None else Outcome.DOWN, row.kind), seen.error_message
    assert filled(row.says.encode()).decode() in seen.error_message
    assert seen.redirects == row.redirects


async def test_nobody_waits_for_the_body_of_a_redirect_that_is_followed(prober: Prober) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(b"GET /end "):
            writer.write(OK)
            writer.close()
            return
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /end\r\nTransfer-Encoding: chunked\r\n\r\nno chunk")
        await asyncio.Event().wait()

    async with target(handler) as port:
        followed = await probe(prober, f"http://127.0.0.1:{port}/")
        not_followed = await probe(prober, f"http://127.0.0.1:{port}/", max_redirects=0, expected_statuses=(302,))

    assert (verdict(followed), followed.redirects) == ((Outcome.UP, None), 1)
    assert verdict(not_followed) == (Outcome.DOWN, ErrorKind.PROTOCOL)


@pytest.mark.parametrize(
    ("fields", "followed"),
    [
        ({}, 5),
        ({"max_redirects": 10}, 10),
        ({"max_redirects": 1}, 1),
        ({"max_redirects": 0}, 0),
        ({"follow_redirects": False}, 0),
    ],
)
async def test_as_many_redirects_are_followed_as_the_check_says(
    prober: Prober, fields: dict[str, Any], followed: int
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        number = int(request.split(b" ")[1].removeprefix(b"/"))
        writer.write(to(f"/{number + 1}") if number < until else OK)
        await writer.drain()
        writer.close()

    async with target(handler) as port:
        until = followed
        reached = await probe(prober, f"http://127.0.0.1:{port}/0", **fields)
        until = followed + 1
        too_many = await probe(prober, f"http://127.0.0.1:{port}/0", **fields)

    assert (verdict(reached), reached.redirects) == ((Outcome.UP, None), followed)
    assert too_many.redirects == followed
    if followed:
        assert verdict(too_many) == (Outcome.DOWN, ErrorKind.TOO_MANY_REDIRECTS)
        assert too_many.error_message == (
            f"too many redirects, limit {followed}; last location: http://127.0.0.1:{port}/{followed + 1}"
        )
    else:
        assert verdict(too_many) == (Outcome.DOWN, ErrorKind.STATUS)
