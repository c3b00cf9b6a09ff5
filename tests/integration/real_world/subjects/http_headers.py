"""Header lines that violate the grammar but are common in practice, and assertions on headers."""

from tests.integration.real_world.row import UP, Json, Row, down, http, up
from tests.integration.real_world.servers import answer, ok, says

_HEAD = b"HTTP/1.1 200 OK\r\n"
_FOLD = "RFC 9112 §5.2; louislam/uptime-kuma#4899"
_CONTROL = "louislam/uptime-kuma#23; aio-libs/aiohttp#5355"
_NAME = "louislam/uptime-kuma#6345; curl's result"
_SPACE = "RFC 9110 §5.5"


def _header(name: str, **comparison: object) -> Json:
    """A check of one header."""
    return http(assertions=[{"header": {"name": name, **comparison}}])


ROWS = (
    # Folded lines
    Row(
        name="A header continues on the next line",
        target=says(ok(b"ok", b"Content-Security-Policy: default-src 'self';\r\n script-src 'self'")),
        verdict=UP,
        source=_FOLD,
    ),
    Row(
        name="A header continues after a tab",
        target=says(ok(b"ok", b"X-Long: a\r\n\tb")),
        verdict=UP,
        source=_FOLD,
    ),
    Row(
        name="A header continues over three lines",
        target=says(ok(b"ok", b"X-Long: a\r\n b\r\n   c")),
        verdict=UP,
        source="RFC 9112 §5.2; urllib3/urllib3#5020",
    ),
    Row(
        name="A folded header value is compared as one line",
        target=says(ok(b"ok", b"X-Long: a;\r\n   b")),
        check=http(assertions=[{"header": {"name": "x-long", "matches": "^a; +b$"}}]),
        verdict=UP,
        source="RFC 9112 §5.2",
        why="A fold is replaced by spaces",
    ),
    Row(
        name="A folded header ends in LF",
        target=says(_HEAD + b"X-Long: a\n b\nContent-Length: 2\r\n\r\nok"),
        verdict=UP,
        source=_FOLD,
    ),
    Row(
        name="The last header is folded",
        target=says(_HEAD + b"Content-Length: 2\r\nX-Long: a\r\n b\r\n\r\nok"),
        verdict=UP,
        source=_FOLD,
    ),
    Row(
        name="A header value begins on the next line",
        target=says(ok(b"ok", b"X-Long:\r\n value")),
        check=http(assertions=[{"header": {"name": "x-long", "equals": "value"}}]),
        verdict=UP,
        source=_FOLD,
    ),
    # Control characters
    Row(
        name="A cookie's value has the control character 0x01",
        target=says(ok(b"ok", b"Set-Cookie: seen=a\x01b; path=/")),
        verdict=UP,
        source=_CONTROL,
    ),
    Row(
        name="A value has a bell and an escape",
        target=says(ok(b"ok", b"X-Odd: a\x07\x1bb")),
        verdict=UP,
        source=_CONTROL,
    ),
    Row(
        name="A value has the control character 0x7F",
        target=says(ok(b"ok", b"X-Odd: a\x7fb")),
        verdict=UP,
        source="aio-libs/aiohttp#5730; louislam/uptime-kuma#946",
    ),
    Row(
        name="A value has a vertical tab and a form feed",
        target=says(ok(b"ok", b"X-Odd: a\x0b\x0cb")),
        verdict=UP,
        source="aio-libs/aiohttp#6525",
    ),
    Row(
        name="A value begins with a control character",
        target=says(ok(b"ok", b"X-Odd: \x02a")),
        verdict=UP,
        source="hassio-addons/app-uptime-kuma#75",
    ),
    Row(
        name="A value has a NUL",
        target=says(ok(b"ok", b"X-Odd: a\x00b")),
        verdict=down("PROTOCOL"),
        source="RFC 9110 §5.5; curl's result",
        why="NUL is refused by curl and by browsers",
    ),
    Row(
        name="A name has a NUL",
        target=says(ok(b"ok", b"X-\x00Odd: a")),
        verdict=down("PROTOCOL"),
        source="RFC 9110 §5.1; curl's result",
        why="NUL is refused by curl and by browsers",
    ),
    Row(
        name="A CR is inside a value",
        target=says(ok(b"ok", b"X-Odd: a\rb")),
        verdict=UP,
        source="RFC 9110 §5.5; curl's result",
        why="A CR without LF does not end a line",
    ),
    # Unusual names
    Row(
        name="A space precedes the colon",
        target=says(ok(b"ok", b"X-Powered-By : PHP")),
        verdict=UP,
        source=_NAME,
    ),
    Row(
        name="A space precedes the colon of Content-Length",
        target=says(_HEAD + b"Content-Length : 2\r\n\r\nok"),
        verdict=UP,
        source="RFC 9112 §5.1; curl's result",
    ),
    Row(
        name="A name has spaces inside",
        target=says(ok(b"ok", b"X Frame Options: DENY")),
        verdict=UP,
        source=_NAME,
    ),
    Row(
        name="A name has letters beyond ASCII in UTF-8",
        target=says(ok(b"ok", "X-Größe: 3".encode())),
        verdict=UP,
        source=_NAME,
    ),
    Row(
        name="A name has letters beyond ASCII in Latin-1",
        target=says(ok(b"ok", b"X-Gr\xf6\xdfe: 3")),
        verdict=UP,
        source=_NAME,
    ),
    Row(
        name="A name is empty",
        target=says(ok(b"ok", b": nothing")),
        verdict=UP,
        source=_NAME,
    ),
    Row(
        name="A name has brackets and slashes",
        target=says(ok(b"ok", b"X(a)/b[c]: 1")),
        verdict=UP,
        source=_NAME,
    ),
    Row(
        name="A name has quotes and an at sign",
        target=says(ok(b"ok", b'"X@Y": 1')),
        verdict=UP,
        source=_NAME,
    ),
    Row(
        name="A name has an underscore and a dot",
        target=says(ok(b"ok", b"x_forwarded.by: a")),
        verdict=UP,
        source="RFC 9110 §5.6.2",
    ),
    Row(
        name="A name begins with a colon, as HTTP/2 writes it",
        target=says(ok(b"ok", b":status: 200")),
        verdict=UP,
        source=_NAME,
    ),
    Row(
        name="A name has a tab",
        target=says(ok(b"ok", b"X\tTab: 1")),
        verdict=UP,
        source=_NAME,
    ),
    Row(
        name="A name has a control character",
        target=says(ok(b"ok", b"X-\x01Odd: 1")),
        verdict=UP,
        source=_NAME,
    ),
    Row(
        name="Every name is in upper case",
        target=says(_HEAD + b"CONTENT-LENGTH: 2\r\nCONTENT-TYPE: TEXT/PLAIN\r\n\r\nok"),
        verdict=UP,
        source="RFC 9110 §5.1",
    ),
    # White space around values
    Row(
        name="No space follows the colon",
        target=says(ok(b"ok", b"X-A:b")),
        check=_header("x-a", equals="b"),
        verdict=UP,
        source="RFC 9112 §5.1",
    ),
    Row(
        name="A value is preceded by many spaces and a tab",
        target=says(ok(b"ok", b"X-A:   \t b")),
        check=_header("x-a", equals="b"),
        verdict=UP,
        source=_SPACE,
    ),
    Row(
        name="A value is followed by a space",
        target=says(ok(b"ok", b"X-A: b ")),
        check=_header("x-a", equals="b"),
        verdict=UP,
        source=_SPACE,
    ),
    Row(
        name="A value is followed by a tab",
        target=says(ok(b"ok", b"X-A: b\t")),
        check=_header("x-a", equals="b"),
        verdict=UP,
        source=_SPACE,
    ),
    Row(
        name="A value is matched to its end without trailing spaces",
        target=says(ok(b"ok", b"X-A: version 2  ")),
        check=_header("x-a", matches="2$"),
        verdict=UP,
        source=_SPACE,
    ),
    Row(
        name="A value is empty",
        target=says(ok(b"ok", b"X-A:")),
        check=_header("x-a", exists=True),
        verdict=UP,
        source=_SPACE,
    ),
    Row(
        name="A value consists of spaces",
        target=says(ok(b"ok", b"X-A:    ")),
        check=_header("x-a", equals=""),
        verdict=UP,
        source=_SPACE,
    ),
    Row(
        name="White space inside a value is preserved",
        target=says(ok(b"ok", b"X-A: a  b")),
        check=_header("x-a", equals="a  b"),
        verdict=UP,
        source=_SPACE,
    ),
    # Sizes and repetition
    Row(
        name="A header is 16 KiB long",
        target=says(ok(b"ok", b"Content-Security-Policy: " + b"x" * 16_384)),
        verdict=UP,
        source="louislam/uptime-kuma#4618",
    ),
    Row(
        name="The headers have 60 KiB in total",
        target=says(ok(b"ok", *(b"X-%d: " % number + b"x" * 1000 for number in range(60)))),
        verdict=UP,
        source="louislam/uptime-kuma#4618",
    ),
    Row(
        name="There are 200 headers",
        target=says(ok(b"ok", *(b"X-%d: a" % number for number in range(200)))),
        verdict=UP,
        source="RFC 9110 §5.4",
    ),
    Row(
        name="The headers have 70 KiB in total",
        target=says(ok(b"ok", *(b"X-%d: " % number + b"x" * 1000 for number in range(70)))),
        verdict=down("TOO_LARGE", "headers are larger than 64 KiB"),
        source="RFC 9110 §5.4",
    ),
    Row(
        name="The server sends headers without end",
        target=says(_HEAD + b"X-Endless: a\r\n" * 8000),
        verdict=down("TOO_LARGE", "headers are larger than 64 KiB"),
        source="RFC 9110 §5.4",
    ),
    # Assertions
    Row(
        name="Header names are compared case-insensitively",
        target=says(ok(b"ok", b"X-CaChE: HIT")),
        check=_header("x-cache", equals="HIT"),
        verdict=UP,
        source="RFC 9110 §5.1",
    ),
    Row(
        name="Header values are compared case-sensitively",
        target=says(ok(b"ok", b"X-Cache: HIT")),
        check=_header("x-cache", equals="hit"),
        verdict=down("ASSERTION", "HIT"),
        source="RFC 9110 §5.5",
    ),
    Row(
        name="One of several headers of a name has the value",
        target=says(ok(b"ok", b"Via: a", b"Via: b")),
        check=_header("via", equals="b"),
        verdict=UP,
        source="RFC 9110 §5.3",
    ),
    Row(
        name="A required header is absent",
        target=says(ok()),
        check=_header("strict-transport-security", exists=True),
        verdict=down("ASSERTION", "strict-transport-security"),
        source="RFC 6797 §6.1; nagios-plugins/nagios-plugins#408",
    ),
    Row(
        name="An excluded header is present",
        target=says(ok(b"ok", b"X-Powered-By: PHP/5.2")),
        check=_header("x-powered-by", exists=False),
        verdict=down("ASSERTION", "x-powered-by"),
        source="nagios-plugins/nagios-plugins#408",
    ),
    Row(
        name="A header's value is in UTF-8",
        target=says(ok(b"ok", "X-City: Zürich".encode())),
        check=_header("x-city", contains="rich"),
        verdict=UP,
        source="RFC 9110 §5.5",
    ),
    Row(
        name="A header's value is in Latin-1",
        target=says(ok(b"ok", b"X-City: Z\xfcrich")),
        check=_header("x-city", contains="rich"),
        verdict=UP,
        source="RFC 9110 §5.5",
    ),
    Row(
        name="A trailer is not a header",
        target=says(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Late: 1\r\n\r\n"),
        check=_header("x-late", exists=False),
        verdict=UP,
        source="RFC 9110 §6.5.1",
    ),
    Row(
        name="Headers of an interim response are not tested",
        target=says(b"HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + ok()),
        check=_header("x-early", exists=False),
        verdict=UP,
        source="RFC 8297 §2",
    ),
    Row(
        name="Headers of the final response are tested, not those of the redirect",
        target=says(answer(302, b"", b"X-Where: here", b"Location: http://127.0.0.1:$CLOSED_PORT/")),
        check=http(
            followRedirects=False,
            assertions=[{"status": {"codes": [302]}}, {"header": {"name": "x-where", "equals": "here"}}],
        ),
        verdict=up(302),
        source="nagios-plugins/nagios-plugins#408",
    ),
    Row(
        name="The response depends on the Accept header of the request",
        target=says(b"HTTP/1.1 404 Invalid file path\r\nContent-Length: 0\r\n\r\n"),
        verdict=down("STATUS", "404", status=404),
        source="louislam/uptime-kuma#1067",
        why="A check sends Accept: */* unless it sets the header",
    ),
)
