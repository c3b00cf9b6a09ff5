"""JSON: valid and invalid documents, paths and comparisons."""

import re
from typing import Any

from tests.integration.real_world.row import UP, Json, Row, Verdict, down, http, refused
from tests.integration.real_world.servers import NOBODY, ok, says

_PATHS = "RFC 9535 §2"
_NUMBERS = "RFC 8259 §6"
_BEYOND = "RFC 8259 §6; RFC 7493 §2.2"
_FALSE = "TwiN/gatus, README, conditions"


def _is(path: str, **comparison: Any) -> Json:
    return http(assertions=[{"jsonPath": {"path": path, **comparison}}])


def _row(name: str, body: str | bytes, check: Json, verdict: Verdict, source: str, why: str = "") -> Row:
    raw = body if isinstance(body, bytes) else body.encode()
    target = says(ok(raw, b"Content-Type: application/json"))
    return Row(name=name, target=target, check=check, verdict=verdict, source=source, why=why)


def _snake(name: str) -> str:
    """The name of a field as messages have it."""
    return re.sub("[A-Z]", lambda found: "_" + found[0].lower(), name)


_LONG = '{"a": 12345678901234567}'
_NO_JSON = down("ASSERTION", "not JSON")
_OK = _is("$.status", equals="ok")

ROWS = (
    # Documents
    _row("The value equals the operand", '{"status": "ok"}', _OK, UP, _PATHS),
    _row("The value differs from the operand", '{"status": "failing"}', _OK, down("ASSERTION", "failing"), _PATHS),
    _row("JSON follows the byte order mark of UTF-8", b'\xef\xbb\xbf{"status": "ok"}', _OK, UP, "RFC 8259 §8.1"),
    _row("White space surrounds JSON", ' \r\n\t{"status": "ok"}\r\n\r\n', _OK, UP, "RFC 8259 §2"),
    _row("A lone surrogate ends a string", r'{"status": "ok", "log": "deploy \ud83d"}', _OK, UP, "RFC 8259 §8.2"),
    _row(
        "A lone surrogate begins a string",
        r'{"status": "ok", "log": "\ude80 deploy"}',
        _OK,
        UP,
        "RFC 8259 §8.2",
    ),
    _row("A lone surrogate is in a name", r'{"status": "ok", "\ud83d": 1}', _OK, UP, "RFC 8259 §8.2"),
    _row(
        "A lone surrogate is in the tested string",
        r'{"status": "ok \ud83d"}',
        _is("$.status", matches="^ok"),
        UP,
        "RFC 8259 §8.2",
    ),
    _row(
        "A lone surrogate follows a byte order mark",
        b'\xef\xbb\xbf{"status": "ok", "a": "\\udc00"}',
        _OK,
        UP,
        "RFC 8259 §8.2",
    ),
    _row("A surrogate pair is one character", r'{"a": "\ud83d\ude80"}', _is("$.a", equals="🚀"), UP, "RFC 8259 §7"),
    _row(
        "A name appears twice, and the last value is used", '{"status": "bad", "status": "ok"}', _OK, UP, "RFC 8259 §4"
    ),
    _row("A slash is escaped", r'{"a": "b\/c"}', _is("$.a", equals="b/c"), UP, "RFC 8259 §7"),
    _row("The document is a string", '"ok"', _is("$", equals="ok"), UP, "RFC 8259 §3"),
    _row("The document is a number", "42", _is("$", equals=42), UP, "RFC 8259 §3"),
    _row("The document is null", "null", _is("$", equals=None), UP, "RFC 8259 §3"),
    Row(
        name="JSON has the content type text/html",
        target=says(ok(b'{"status": "ok"}', b"Content-Type: text/html")),
        check=_OK,
        verdict=UP,
        source="louislam/uptime-kuma#7041",
        why="The content type is ignored",
    ),
    _row(
        "A string has invalid UTF-8",
        b'{"status": "ok", "name": "M\xfcller"}',
        _OK,
        UP,
        "WHATWG Encoding, UTF-8 decode",
    ),
    _row("A string has a NUL", r'{"status": "ok", "a": "\u0000"}', _OK, UP, "RFC 8259 §7"),
    _row(
        "Lists are nested 500 deep", b'{"status": "ok", "a": ' + b"[" * 500 + b"]" * 500 + b"}", _OK, UP, "RFC 8259 §9"
    ),
    _row("A number has 400 digits after its point", '{"status": "ok", "a": 0.' + "1" * 400 + "}", _OK, UP, _NUMBERS),
    _row("Minus zero equals zero", '{"a": -0}', _is("$.a", equals=0), UP, _NUMBERS),
    *(
        _row(name, body, _OK, _NO_JSON, source)
        for name, body, source in (
            ("A string has a line break", '{"status": "ok", "a": "b\nc"}', "RFC 8259 §7"),
            ("A number begins with zero", '{"status": "ok", "a": 01}', _NUMBERS),
            ("A number begins with a plus sign", '{"status": "ok", "a": +1}', _NUMBERS),
            ("A number begins with its point", '{"status": "ok", "a": .5}', _NUMBERS),
            ("A number is Infinity", '{"status": "ok", "a": Infinity}', _NUMBERS),
            ("A prefix protects the body against execution as a script", ")]}',\n" + '{"status": "ok"}', "RFC 8259 §2"),
            ("Each line is a JSON document", '{"status": "ok"}\n{"status": "ok"}\n', "RFC 8259 §2"),
            ("A no-break space precedes JSON", '\xa0{"status": "ok"}', "RFC 8259 §2"),
        )
    ),
    _row("The body is HTML", "<html>ok</html>", _OK, _NO_JSON, "RFC 8259 §2"),
    _row("The body is empty", "", _OK, _NO_JSON, "louislam/uptime-kuma#7041"),
    _row("A comma follows the last member", '{"status": "ok",}', _OK, _NO_JSON, "louislam/uptime-kuma#5088"),
    _row("Strings are in single quotes", "{'status': 'ok'}", _OK, _NO_JSON, "RFC 8259 §7"),
    _row("JSON has comments", '{"status": "ok" /* fine */}', _OK, _NO_JSON, "RFC 8259 §2"),
    _row("JSON is truncated", '{"status": "ok"', _OK, _NO_JSON, "RFC 8259 §2"),
    _row("Data follows JSON", '{"status": "ok"} {"status": "bad"}', _OK, _NO_JSON, "RFC 8259 §2"),
    _row("NaN is not JSON", '{"status": "ok", "load": NaN}', _OK, _NO_JSON, _NUMBERS),
    _row("JSON is wrapped in a function call", 'callback({"status": "ok"})', _OK, _NO_JSON, "RFC 8259 §2"),
    # Comparisons
    _row("A number equals itself", '{"a": 1}', _is("$.a", equals=1), UP, _NUMBERS),
    _row("1.0 equals 1", '{"a": 1.0}', _is("$.a", equals=1), UP, "TwiN/gatus, README, conditions"),
    _row("1e2 equals 100", '{"a": 1e2}', _is("$.a", equals=100), UP, _NUMBERS),
    _row("1000000 equals 1000000", '{"a": 1000000}', _is("$.a", equals=1000000), UP, _FALSE),
    _row(
        "A number does not equal its text",
        '{"a": 1}',
        _is("$.a", equals="1"),
        down("ASSERTION", "$.a"),
        "BigBoot/AutoKuma#137",
    ),
    _row(
        "A text does not equal its number",
        '{"a": "1"}',
        _is("$.a", equals=1),
        down("ASSERTION", "$.a"),
        "BigBoot/AutoKuma#137",
    ),
    _row("1 does not equal true", '{"a": 1}', _is("$.a", equals=True), down("ASSERTION", "$.a"), "RFC 8259 §3"),
    _row("true equals true", '{"a": true}', _is("$.a", equals=True), UP, "louislam/uptime-kuma#771"),
    _row(
        "The text true does not equal true",
        '{"a": "true"}',
        _is("$.a", equals=True),
        down("ASSERTION", "$.a"),
        "RFC 8259 §3",
    ),
    _row("null equals null", '{"a": null}', _is("$.a", equals=None), UP, _FALSE),
    _row(
        "A missing member does not equal null",
        '{"b": 1}',
        _is("$.a", equals=None),
        down("ASSERTION", "absent"),
        _FALSE,
    ),
    _row(
        "A missing member is not less than a number",
        '{"b": 1}',
        _is("$.a", lessThan=5),
        down("ASSERTION", "absent"),
        "louislam/uptime-kuma#7642",
        "A missing value is not a number",
    ),
    _row(
        "A missing member does not satisfy notEquals",
        '{"b": 1}',
        _is("$.a", notEquals="x"),
        down("ASSERTION", "absent"),
        _FALSE,
    ),
    _row("null is not less than a number", '{"a": null}', _is("$.a", lessThan=5), down("ASSERTION", "null"), _FALSE),
    _row(
        "A text is not less than a number",
        '{"a": "2.42"}',
        _is("$.a", lessThan=3),
        down("ASSERTION", "2.42"),
        "louislam/uptime-kuma#6339",
    ),
    _row("0.5 is greater than 0", '{"a": 0.5}', _is("$.a", greaterThan=0), UP, _FALSE),
    _row("1.5 is greater than 1", '{"a": 1.5}', _is("$.a", greaterThan=1), UP, _FALSE),
    _row("9 is less than 10", '{"a": 9}', _is("$.a", lessThan=10), UP, "louislam/uptime-kuma#6339"),
    _row("A number is at most itself", '{"a": 3}', _is("$.a", atMost=3), UP, "louislam/uptime-kuma#4614"),
    _row("A number is at least itself", '{"a": 3}', _is("$.a", atLeast=3), UP, "louislam/uptime-kuma#4614"),
    _row(
        "A number is not less than itself",
        '{"a": 3}',
        _is("$.a", lessThan=3),
        down("ASSERTION", "3"),
        "louislam/uptime-kuma#4614",
    ),
    _row(
        "Equal values do not satisfy notEquals",
        '{"a": "x"}',
        _is("$.a", notEquals="x"),
        down("ASSERTION", "x"),
        "louislam/uptime-kuma#4614",
    ),
    _row("A text is not trimmed", '{"a": "ok "}', _is("$.a", equals="ok"), down("ASSERTION", "ok "), _FALSE),
    _row("An expression matches a part of a text", '{"a": "v1.2.3"}', _is("$.a", matches=r"^v\d+"), UP, _PATHS),
    _row(
        "An expression does not match a number",
        '{"a": 123}',
        _is("$.a", matches="123"),
        down("ASSERTION", "123"),
        _PATHS,
    ),
    # Paths
    _row("A member exists", '{"a": null}', _is("$.a", exists=True), UP, _PATHS),
    _row("A member does not exist", '{"b": 1}', _is("$.a", exists=False), UP, _PATHS),
    _row("An excluded member exists", '{"a": 1}', _is("$.a", exists=False), down("ASSERTION", "$.a"), _PATHS),
    _row(
        "A path has an index of a list", '{"a": [1, {"b": "ok"}]}', _is("$.a[1].b", equals="ok"), UP, "RFC 9535 §2.3.3"
    ),
    _row("A path has a negative index", '{"a": [1, 2, 3]}', _is("$.a[-1]", equals=3), UP, "RFC 9535 §2.3.3"),
    _row(
        "All values of a list satisfy the comparison",
        '{"a": [{"ok": true}, {"ok": true}]}',
        _is("$.a[*].ok", equals=True),
        UP,
        "RFC 9535 §2.3.2",
    ),
    _row(
        "One value of a list does not satisfy the comparison",
        '{"a": [{"ok": true}, {"ok": false}]}',
        _is("$.a[*].ok", equals=True),
        down("ASSERTION", "false"),
        "RFC 9535 §2.3.2",
    ),
    _row(
        "A comparison selects all values of an empty list",
        '{"a": []}',
        _is("$.a[*].ok", equals=True),
        down("ASSERTION", "absent"),
        "RFC 9535 §2.3.2",
    ),
    _row("A path has a descendant segment", '{"a": {"b": {"c": 1}}}', _is("$..c", equals=1), UP, "RFC 9535 §2.5.2"),
    _row("A name has a dot", '{"a.b": 1}', _is("$['a.b']", equals=1), UP, "RFC 9535 §2.3.1"),
    _row("A name has a letter beyond ASCII", '{"größe": 3}', _is("$.größe", equals=3), UP, "RFC 9535 §2.3.1"),
    _row(
        "A name begins with an at sign",
        '{"@type": "Health"}',
        _is("$['@type']", equals="Health"),
        UP,
        "RFC 9535 §2.3.1",
    ),
    # Integers beyond 2^53
    *(
        Row(
            name=f"{comparison} is given {words}",
            target=NOBODY,
            check=http("http://shop.test/", assertions=[{"jsonPath": {"path": "$.id", comparison: number}}]),
            verdict=refused(f"check.http.assertions[0].json_path.{_snake(comparison)}"),
            source=_BEYOND,
            why="JSON numbers cannot represent it exactly; compare it as text",
        )
        for comparison, words, number in (
            ("equals", "an integer beyond 2^53", 12345678901234567),
            ("notEquals", "an integer beyond 2^53", 12345678901234567),
            ("lessThan", "an integer beyond 2^53", 9007199254740993),
            ("atMost", "an integer beyond 2^53", 9007199254740993),
            ("greaterThan", "an integer beyond 2^53", 9007199254740993),
            ("atLeast", "an integer beyond 2^53", 9007199254740993),
            ("equals", "a negative integer beyond 2^53", -12345678901234567),
            ("equals", "a number of 25 digits", 1234567890123456789012345),
        )
    ),
    _row("2^53 - 1 equals itself", '{"a": 9007199254740991}', _is("$.a", equals=9007199254740991), UP, _BEYOND),
    _row(
        "2^53 - 1 differs from the next smaller number",
        '{"a": 9007199254740991}',
        _is("$.a", notEquals=9007199254740990),
        UP,
        _BEYOND,
    ),
    _row("A fraction without an exact binary form equals itself", '{"a": 0.1}', _is("$.a", equals=0.1), UP, _BEYOND),
    _row(
        "An integer beyond 2^53 in the body does not equal a smaller one",
        '{"a": 12345678901234567}',
        _is("$.a", equals=1),
        down("ASSERTION", "12345678901234567"),
        _BEYOND,
    ),
    _row(
        "An integer beyond 64 bits is in another member",
        '{"status": "ok", "id": 123456789012345678901234567890}',
        _OK,
        UP,
        _BEYOND,
    ),
    _row("17 digits equal their text", _LONG, _is("$.a", equalsText="12345678901234567"), UP, _BEYOND),
    _row(
        "17 digits do not equal the text of the next number",
        _LONG,
        _is("$.a", equalsText="12345678901234568"),
        down("ASSERTION", "12345678901234567"),
        _BEYOND,
    ),
    _row(
        "17 digits differ from the text of the next number",
        _LONG,
        _is("$.a", notEqualsText="12345678901234568"),
        UP,
        _BEYOND,
    ),
    _row(
        "17 digits do not differ from their text",
        _LONG,
        _is("$.a", notEqualsText="12345678901234567"),
        down("ASSERTION", "12345678901234567"),
        _BEYOND,
    ),
    _row("25 digits equal their text", f'{{"a": {"9" * 25}}}', _is("$.a", equalsText="9" * 25), UP, _BEYOND),
    _row("A text equals its text", '{"a": "ok"}', _is("$.a", equalsText="ok"), UP, _PATHS),
    # Refused
    Row(
        name="A path has a filter",
        target=NOBODY,
        check=http("http://shop.test/", assertions=[{"jsonPath": {"path": "$.a[?@.b == 1]", "exists": True}}]),
        verdict=refused("check.http.assertions[0].json_path.path"),
        source="RFC 9535 §2.3.5",
        why="Filters are refused, since their cost is unbounded",
    ),
    Row(
        name="A path does not begin with $",
        target=NOBODY,
        check=http("http://shop.test/", assertions=[{"jsonPath": {"path": "status", "equals": "ok"}}]),
        verdict=refused("check.http.assertions[0].json_path.path"),
        source="RFC 9535 §2.2",
        why="A path begins at the root",
    ),
    Row(
        name="An operand is a list",
        target=NOBODY,
        check=http("http://shop.test/", assertions=[{"jsonPath": {"path": "$.a", "equals": [1]}}]),
        verdict=refused("check.http.assertions[0].json_path.equals"),
        source="docs/checks.md",
        why="An operand is a string, a number, true, false or null",
    ),
)
