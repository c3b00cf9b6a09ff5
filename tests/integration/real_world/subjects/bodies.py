"""What a body has to contain, and how much of one is looked at."""

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
        name="The text is in another case",
        target=says(ok(b"All Systems Go")),
        check=http(bodyContains="systems"),
        verdict=down("ASSERTION", "does not contain"),
        source="docs/checks.md",
        why="Texts are compared as they are; (?i) in bodyMatches ignores case",
    ),
    Row(
        name="A text of several lines is in the body",
        target=says(ok(b"a\nb\nc")),
        check=http(bodyContains="a\nb"),
        verdict=UP,
        source="nagios-plugins/nagios-plugins#374",
    ),
    Row(
        name="A line break in the body is CRLF, and LF is looked for",
        target=says(ok(b"a\r\nb")),
        check=http(bodyContains="a\nb"),
        verdict=down("ASSERTION", "does not contain"),
        source="docs/checks.md",
        why="Texts are compared as they are",
    ),
    Row(
        name="The text is written with an HTML entity",
        target=says(ok(b"Caf&eacute;", b"Content-Type: text/html")),
        check=http(bodyContains="Café"),
        verdict=down("ASSERTION", "does not contain"),
        source="docs/checks.md",
        why="A body is text, it is not rendered",
    ),
    Row(
        name="The body has the text of an outage",
        target=says(ok(b"<h1>Fatal error</h1>")),
        check=_lacks("Fatal error"),
        verdict=down("ASSERTION", "the body contains the excluded text"),
        source="docs/checks.md",
    ),
    Row(
        name="The body lacks the text of an outage",
        target=says(ok(b"<h1>Welcome</h1>")),
        check=_lacks("Fatal error"),
        verdict=UP,
        source="docs/checks.md",
    ),
    Row(
        name="The body is empty, and a text is looked for",
        target=says(ok(b"")),
        check=http(bodyContains="ok"),
        verdict=down("ASSERTION", "does not contain"),
        source="docs/checks.md",
    ),
    Row(
        name="The body is empty, and a text must not be there",
        target=says(ok(b"")),
        check=_lacks("error"),
        verdict=UP,
        source="docs/checks.md",
    ),
    Row(
        name="A 204 is looked at for a text",
        target=says(b"HTTP/1.1 204 No Content\r\n\r\n"),
        check=http(bodyContains="ok"),
        verdict=down("ASSERTION", "does not contain", status=204),
        source="RFC 9110 §15.3.5",
    ),
    Row(
        name="A status that is not expected comes before what the body lacks",
        target=says(answer(500, b"error")),
        check=http(bodyContains="ok"),
        verdict=down("STATUS", "status 500", status=500),
        source="docs/checks.md",
    ),
    Row(
        name="An error page has the text, and its status is not expected",
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
        name="A body of more than 1 MiB cannot be shown to lack a text",
        target=says(ok(b"x" * (_MIB + 1))),
        check=_lacks("error"),
        verdict=down("TOO_LARGE", "too large to inspect completely"),
        source="docs/checks.md",
    ),
    Row(
        name="Nobody looks at a body of 2 MiB",
        target=says(ok(b"x" * 2 * _MIB)),
        verdict=up(200),
        source="docs/checks.md",
        why="A body is judged only where an assertion is about it",
    ),
    Row(
        name="A body without an end is larger than 1 MiB",
        target=says(_ENDLESS, b"x" * 3 * _MIB, then="stall"),
        verdict=up(200),
        source="docs/checks.md",
        why="It is cut off once the verdict is known",
    ),
    Row(
        name="A body without an end has the text",
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
        name="An expression begins at each line with (?m)",
        target=says(ok(b"first\nsecond")),
        check=_matches("(?m)^second$"),
        verdict=UP,
        source="RE2 syntax",
    ),
    Row(
        name="An expression without (?m) begins at the body",
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
        name="An expression looks ahead",
        target=NOBODY,
        check=http("http://shop.test/", assertions=[{"bodyMatches": "(?=ok)"}]),
        verdict=refused("check.http.assertions[0].body_matches"),
        source="RE2 syntax",
        why="RE2 has no look-ahead",
    ),
    Row(
        name="An expression refers to a group",
        target=NOBODY,
        check=http("http://shop.test/", assertions=[{"bodyMatches": r"(a)\1"}]),
        verdict=refused("check.http.assertions[0].body_matches"),
        source="RE2 syntax",
        why="RE2 has no references to groups",
    ),
    Row(
        name="An expression has an open bracket",
        target=NOBODY,
        check=http("http://shop.test/", assertions=[{"bodyMatches": "[a-z"}]),
        verdict=refused("check.http.assertions[0].body_matches"),
        source="RE2 syntax",
        why="The set has no end",
    ),
    *(
        Row(
            name=f"HEAD with {words}",
            target=NOBODY,
            check=http("http://shop.test/", method="HEAD", **fields),
            verdict=refused(at),
            source="RFC 9110 §9.3.2",
            why="The answer to HEAD has no body",
        )
        for words, fields, at in (
            ("a text that the body should contain", {"bodyContains": "ok"}, "check.http.body_contains"),
            ("bodyContains", {"assertions": [{"bodyContains": "ok"}]}, "check.http.assertions[0].body_contains"),
            (
                "bodyNotContains",
                {"assertions": [{"bodyNotContains": "a"}]},
                "check.http.assertions[0].body_not_contains",
            ),
            ("bodyMatches", {"assertions": [{"bodyMatches": "ok"}]}, "check.http.assertions[0].body_matches"),
            (
                "jsonPath",
                {"assertions": [{"jsonPath": {"path": "$.a", "exists": True}}]},
                "check.http.assertions[0].json_path",
            ),
        )
    ),
    Row(
        name="HEAD with an assertion about a header",
        target=says(b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n"),
        check=http(method="HEAD", assertions=[{"header": {"name": "x-a", "equals": "b"}}]),
        verdict=up(200),
        source="RFC 9110 §9.3.2",
    ),
)
