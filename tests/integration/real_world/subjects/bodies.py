"""Assertions on bodies, and the limit of the bytes that are tested."""

from tests.integration.real_world.row import UP, Json, Row, down, http, refused, up
from tests.integration.real_world.servers import NOBODY, answer, ok, says

_MIB = 1024 * 1024
_ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"


def _lacks(text: str) -> Json:
    return http(assertions=[{"bodyNotContains": text}])


def _matches(expression: str) -> Json:
    return http(assertions=[{"bodyMatches": expression}])


ROWS = (
    Row(
        name="The body contains the text",
        target=says(ok(b"all systems go")),
        check=http(bodyContains="systems"),
        verdict=UP,
        source="docs/checks.md",
    ),
    Row(
        name="The body does not contain the text",
        target=says(ok(b"maintenance")),
        check=http(bodyContains="systems"),
        verdict=down("ASSERTION", "the body does not contain the expected text", status=200),
        source="docs/checks.md",
    ),
    Row(
        name="The text differs in case",
        target=says(ok(b"All Systems Go")),
        check=http(bodyContains="systems"),
        verdict=down("ASSERTION", "does not contain"),
        source="docs/checks.md",
        why="Texts are compared case-sensitively; (?i) in bodyMatches ignores case",
    ),
    Row(
        name="A text of several lines is in the body",
        target=says(ok(b"a\nb\nc")),
        check=http(bodyContains="a\nb"),
        verdict=UP,
        source="nagios-plugins/nagios-plugins#374",
    ),
    Row(
        name="The body has CRLF, and the text has LF",
        target=says(ok(b"a\r\nb")),
        check=http(bodyContains="a\nb"),
        verdict=down("ASSERTION", "does not contain"),
        source="docs/checks.md",
        why="Texts are compared verbatim",
    ),
    Row(
        name="The text is encoded as an HTML entity",
        target=says(ok(b"Caf&eacute;", b"Content-Type: text/html")),
        check=http(bodyContains="Café"),
        verdict=down("ASSERTION", "does not contain"),
        source="docs/checks.md",
        why="HTML is not rendered",
    ),
    Row(
        name="The body contains the excluded text",
        target=says(ok(b"<h1>Fatal error</h1>")),
        check=_lacks("Fatal error"),
        verdict=down("ASSERTION", "the body contains the excluded text"),
        source="docs/checks.md",
    ),
    Row(
        name="The body does not contain the excluded text",
        target=says(ok(b"<h1>Welcome</h1>")),
        check=_lacks("Fatal error"),
        verdict=UP,
        source="docs/checks.md",
    ),
    Row(
        name="The body is empty, and a text is required",
        target=says(ok(b"")),
        check=http(bodyContains="ok"),
        verdict=down("ASSERTION", "does not contain"),
        source="docs/checks.md",
    ),
    Row(
        name="The body is empty, and a text is excluded",
        target=says(ok(b"")),
        check=_lacks("error"),
        verdict=UP,
        source="docs/checks.md",
    ),
    Row(
        name="The status is 204, and a text is required",
        target=says(b"HTTP/1.1 204 No Content\r\n\r\n"),
        check=http(bodyContains="ok"),
        verdict=down("ASSERTION", "does not contain", status=204),
        source="RFC 9110 §15.3.5",
    ),
    Row(
        name="An unexpected status takes precedence over a missing text",
        target=says(answer(500, b"error")),
        check=http(bodyContains="ok"),
        verdict=down("STATUS", "status 500", status=500),
        source="docs/checks.md",
    ),
    Row(
        name="An error page contains the text, and its status is not expected",
        target=says(answer(503, b"ok")),
        check=http(bodyContains="ok"),
        verdict=down("STATUS", "status 503", status=503),
        source="docs/checks.md",
    ),
    Row(
        name="The text is at the end of 1 MiB",
        target=says(ok(b"x" * (_MIB - 2) + b"ok")),
        check=http(bodyContains="ok"),
        verdict=UP,
        source="docs/checks.md",
    ),
    Row(
        name="The text is after 1 MiB",
        target=says(ok(b"x" * _MIB + b"ok")),
        check=http(bodyContains="ok"),
        verdict=down("TOO_LARGE", "too large to inspect completely"),
        source="docs/checks.md",
    ),
    Row(
        name="The text is within the first MiB of a larger body",
        target=says(ok(b"ok" + b"x" * _MIB)),
        check=http(bodyContains="ok"),
        verdict=UP,
        source="docs/checks.md",
    ),
    Row(
        name="A text is excluded from a body of more than 1 MiB",
        target=says(ok(b"x" * (_MIB + 1))),
        check=_lacks("error"),
        verdict=down("TOO_LARGE", "too large to inspect completely"),
        source="docs/checks.md",
    ),
    Row(
        name="A body of 2 MiB is not tested",
        target=says(ok(b"x" * 2 * _MIB)),
        verdict=up(200),
        source="docs/checks.md",
        why="A body is judged only if an assertion tests it",
    ),
    Row(
        name="An endless body exceeds 1 MiB",
        target=says(_ENDLESS, b"x" * 3 * _MIB, then="stall"),
        verdict=up(200),
        source="docs/checks.md",
        why="The connection is closed once the verdict is determined",
    ),
    Row(
        name="An endless body contains the text",
        target=says(_ENDLESS, b"ok" + b"x" * 3 * _MIB, then="stall"),
        check=http(bodyContains="ok"),
        verdict=up(200),
        source="docs/checks.md",
    ),
    Row(
        name="An expression matches in the middle",
        target=says(ok(b"version 1.22.3 is up")),
        check=_matches(r"version \d+\.\d+"),
        verdict=UP,
        source="docs/checks.md",
    ),
    Row(
        name="An expression matches over two lines with (?s)",
        target=says(ok(b"begin\nend")),
        check=_matches("(?s)begin.end"),
        verdict=UP,
        source="RE2 syntax",
    ),
    Row(
        name="A dot matches no line break",
        target=says(ok(b"begin\nend")),
        check=_matches("begin.end"),
        verdict=down("ASSERTION", "does not match"),
        source="RE2 syntax",
    ),
    Row(
        name="An expression ignores case with (?i)",
        target=says(ok(b"ALL GOOD")),
        check=_matches("(?i)all good"),
        verdict=UP,
        source="RE2 syntax",
    ),
    Row(
        name="^ matches at each line with (?m)",
        target=says(ok(b"first\nsecond")),
        check=_matches("(?m)^second$"),
        verdict=UP,
        source="RE2 syntax",
    ),
    Row(
        name="^ matches only at the start of the body without (?m)",
        target=says(ok(b"first\nsecond")),
        check=_matches("^second$"),
        verdict=down("ASSERTION", "does not match"),
        source="RE2 syntax",
    ),
    Row(
        name="An expression has a letter beyond ASCII",
        target=says(ok("Größe: 3".encode())),
        check=_matches("Größe: [0-9]"),
        verdict=UP,
        source="RE2 syntax",
    ),
    Row(
        name="A dot matches one letter beyond ASCII",
        target=says(ok("<ü>".encode())),
        check=_matches("^<.>$"),
        verdict=UP,
        source="RE2 syntax",
    ),
    Row(
        name="An expression has a look-ahead",
        target=NOBODY,
        check=http("http://shop.test/", assertions=[{"bodyMatches": "(?=ok)"}]),
        verdict=refused("check.http.assertions[0].body_matches"),
        source="RE2 syntax",
        why="RE2 does not support look-ahead",
    ),
    Row(
        name="An expression has a back-reference",
        target=NOBODY,
        check=http("http://shop.test/", assertions=[{"bodyMatches": r"(a)\1"}]),
        verdict=refused("check.http.assertions[0].body_matches"),
        source="RE2 syntax",
        why="RE2 does not support back-references",
    ),
    Row(
        name="An expression has an unclosed bracket",
        target=NOBODY,
        check=http("http://shop.test/", assertions=[{"bodyMatches": "[a-z"}]),
        verdict=refused("check.http.assertions[0].body_matches"),
        source="RE2 syntax",
        why="The character class is not closed",
    ),
    *(
        Row(
            name=f"HEAD is combined with {words}",
            target=NOBODY,
            check=http("http://shop.test/", method="HEAD", **fields),
            verdict=refused(at),
            source="RFC 9110 §9.3.2",
            why="The response to HEAD has no body",
        )
        for words, fields, at in (
            ("bodyContains of the check", {"bodyContains": "ok"}, "check.http.body_contains"),
            (
                "a bodyContains assertion",
                {"assertions": [{"bodyContains": "ok"}]},
                "check.http.assertions[0].body_contains",
            ),
            (
                "a bodyNotContains assertion",
                {"assertions": [{"bodyNotContains": "a"}]},
                "check.http.assertions[0].body_not_contains",
            ),
            (
                "a bodyMatches assertion",
                {"assertions": [{"bodyMatches": "ok"}]},
                "check.http.assertions[0].body_matches",
            ),
            (
                "a jsonPath assertion",
                {"assertions": [{"jsonPath": {"path": "$.a", "exists": True}}]},
                "check.http.assertions[0].json_path",
            ),
        )
    ),
    Row(
        name="HEAD is combined with a header assertion",
        target=says(b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n"),
        check=http(method="HEAD", assertions=[{"header": {"name": "x-a", "equals": "b"}}]),
        verdict=up(200),
        source="RFC 9110 §9.3.2",
    ),
)
