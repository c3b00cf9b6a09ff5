"""Bodies of REST requests: accepted JSON, and errors that are refused instead of being ignored."""

from typing import Any

from tests.integration.real_world.row import Row, Verdict, refused
from tests.integration.real_world.servers import Request

_DROPPED = "envoyproxy/envoy#46623"
_GRAMMAR = "RFC 8259 §2"
_CHECKS = "/services/0/checks"
_CHECK = "/services/0/checks/0"


def _row(name: str, body: str | bytes, verdict: Verdict, source: str, *, why: str = "", **where: Any) -> Row:
    raw = body if isinstance(body, bytes) else body.encode()
    target = Request(body=raw, **{"method": "POST", "path": _CHECKS, **where})
    return Row(name=name, target=target, verdict=verdict, source=source, why=why)


def _patch(name: str, body: str, mask: str, source: str = "RFC 7396 §1") -> Row:
    return _row(name, body, _names(mask), source, method="PATCH", path=_CHECK)


def _names(mask: str) -> Verdict:
    """The request is taken; an update changes these fields."""
    return Verdict(outcome="TAKEN", says=mask)


_TAKEN = _names("")
_MALFORMED = refused("", "not valid JSON")

ROWS = (
    _row(
        "A check has only known fields",
        '{"name": "a", "http": {"url": "http://shop.test/"}}',
        _TAKEN,
        _DROPPED,
    ),
    _row(
        "Field names are in snake_case",
        '{"name": "a", "http": {"url": "http://a.test/", "body_contains": "a"}}',
        _TAKEN,
        "Protocol Buffers, ProtoJSON",
    ),
    # Unknown fields
    *(
        _row(f"A field is misspelt: {wrong}", body, refused(f"check.{at}", near), _DROPPED)
        for wrong, body, at, near in (
            (
                "bodyContain",
                '{"name": "a", "http": {"url": "http://a.test/", "bodyContain": "a"}}',
                "http.bodyContain",
                "bodyContains",
            ),
            (
                "expectedStatuses",
                '{"name": "a", "http": {"url": "http://a.test/", "expectedStatuses": [200]}}',
                "http.expectedStatuses",
                "expectedStatus",
            ),
            (
                "intervall",
                '{"name": "a", "intervall": "30s", "http": {"url": "http://a.test/"}}',
                "intervall",
                "interval",
            ),
            ("timeOut", '{"name": "a", "timeOut": "3s", "http": {"url": "http://a.test/"}}', "timeOut", "timeout"),
            ("metod", '{"name": "a", "http": {"url": "http://a.test/", "metod": "HEAD"}}', "http.metod", "method"),
            ("retris", '{"name": "a", "retris": 3, "http": {"url": "http://a.test/"}}', "retris", "retries"),
            (
                "skip_verfy",
                '{"name": "a", "http": {"url": "https://a.test/", "tls": {"skip_verfy": true}}}',
                "http.tls.skip_verfy",
                "skipVerify",
            ),
            ("URL", '{"name": "a", "http": {"URL": "http://a.test/"}}', "http.URL", "url"),
            (
                "equal",
                '{"name": "a", "http": {"url": "http://a/", "assertions": [{"jsonPath": {"path": "$", "equal": 1}}]}}',
                "http.assertions[0].jsonPath.equal",
                "equals",
            ),
            (
                "expect",
                '{"name": "a", "dns": {"name": "a.test", "type": "A", "expect": ["192.0.2.1"]}}',
                "dns.expect",
                "expected",
            ),
            (
                "minDays",
                '{"name": "a", "tls": {"host": "a.test", "port": 443, "minDays": 14}}',
                "tls.minDays",
                "minDaysLeft",
            ),
            ("gracePeriod", '{"name": "a", "heartbeat": {"gracePeriod": "60s"}}', "heartbeat.gracePeriod", "grace"),
        )
    ),
    _row(
        "A field is one level too high",
        '{"name": "a", "http": {"url": "http://a.test/"}, "assertions": [{"bodyContains": "a"}]}',
        refused("check.assertions", "http.assertions"),
        _DROPPED,
    ),
    _row(
        "A field is one level too deep",
        '{"name": "a", "http": {"url": "http://a.test/", "interval": "30s"}}',
        refused("check.http.interval", "interval"),
        _DROPPED,
    ),
    _row(
        "An unknown field is in the second of two assertions",
        '{"name": "a", "http": {"url": "http://a/", "assertions": [{"bodyContains": "a"}, {"header": {"nme": "a"}}]}}',
        refused("check.http.assertions[1].header.nme", "name"),
        _DROPPED,
    ),
    _row(
        "The mask is in the body",
        '{"retries": 0, "updateMask": "retries"}',
        refused("check.updateMask", "?updateMask="),
        _DROPPED,
        method="PATCH",
        path=_CHECK,
    ),
    # Duplicate names
    _row(
        "A name is given twice",
        '{"name": "a", "name": "b", "http": {"url": "http://a.test/"}}',
        refused("check.name", "more than once"),
        "RFC 8259 §4",
    ),
    _row(
        "A field is given in both of its spellings",
        '{"name": "a", "http": {"url": "http://a.test/", "bodyContains": "a", "body_contains": "b"}}',
        refused("check.http.body_contains", "same field"),
        "Protocol Buffers, ProtoJSON",
    ),
    _row(
        "A header is given twice",
        '{"name": "a", "http": {"url": "http://a.test/", "headers": {"X-A": "1", "X-A": "2"}}}',
        refused("check.http.headers['X-A']", "more than once"),
        "RFC 8259 §4",
    ),
    _row(
        "Two kinds of checks are given",
        '{"name": "a", "http": {"url": "http://a.test/"}, "tcp": {"host": "a.test", "port": 1}}',
        refused("check.tcp", "cannot be combined with check.http"),
        "Protocol Buffers, ProtoJSON",
    ),
    # Invalid JSON
    *(
        _row(name, body, _MALFORMED, source)
        for name, body, source in (
            ("A comma follows the last member", '{"name": "a",}', _GRAMMAR),
            (
                "A comma follows the last item",
                '{"name": "a", "http": {"url": "http://a.test/", "expectedStatus": [200,]}}',
                _GRAMMAR,
            ),
            ("Strings are in single quotes", "{'name': 'a'}", _GRAMMAR),
            ("Names are not quoted", '{name: "a"}', _GRAMMAR),
            ("A comment is in the body", '{"name": "a" /* mine */}', _GRAMMAR),
            ("The body is truncated", '{"name": "a"', _GRAMMAR),
            ("Data follows the object", '{"name": "a"} x', _GRAMMAR),
            ("A form is sent", "name=a&url=http://a.test/", "curl manual, -d"),
            ("NaN is sent", '{"name": "a", "retries": NaN}', "RFC 8259 §6"),
            ("The body is not UTF-8", b'{"name": "\xe4"}', "RFC 8259 §8.1"),
            ("The body begins with a byte order mark", b'\xef\xbb\xbf{"name": "a"}', "RFC 8259 §8.1"),
            ("A line break is in a string", '{"name": "a\nb"}', "RFC 8259 §7"),
        )
    ),
    _row(
        "A lone surrogate is sent",
        r'{"name": "\ud83d"}',
        refused("", "unpaired surrogate"),
        "RFC 8259 §8.2",
    ),
    _row("A list is sent instead of an object", "[]", refused("check", "must be a JSON object"), _GRAMMAR),
    _row("null is sent instead of an object", "null", refused("check", "must be a JSON object"), _GRAMMAR),
    # Values of a wrong type
    _row(
        "A boolean is given as a string",
        '{"name": "a", "http": {"url": "http://a.test/", "followRedirects": "false"}}',
        refused("check.http.followRedirects", "true or false"),
        "Protocol Buffers, ProtoJSON",
    ),
    _row(
        "A duration is given as an object",
        '{"name": "a", "interval": {"seconds": 30}, "http": {"url": "http://a.test/"}}',
        refused("check.interval", "must be a string"),
        "Protocol Buffers, ProtoJSON",
    ),
    _row(
        "null is in a list",
        '{"name": "a", "http": {"url": "http://a.test/", "expectedStatus": [null]}}',
        refused("check.http.expectedStatus[0]", "must not be null"),
        "Protocol Buffers, ProtoJSON",
    ),
    _row(
        "A list is given for a single value",
        '{"name": ["a"], "http": {"url": "http://a.test/"}}',
        refused("check.name", "single value"),
        "Protocol Buffers, ProtoJSON",
    ),
    _row(
        "An object is given for a list",
        '{"name": "a", "http": {"url": "http://a.test/", "assertions": {"bodyContains": "a"}}}',
        refused("check.http.assertions", "must be a list"),
        "Protocol Buffers, ProtoJSON",
    ),
    _row(
        "A value of an enum is misspelt",
        '{"name": "a", "tls": {"host": "a.test", "port": 25, "startTls": "START_TLS_SMPT"}}',
        refused("check.tls.startTls", "START_TLS_SMTP"),
        "Protocol Buffers, ProtoJSON",
    ),
    # Updates
    _patch(
        "An update switches verification back on", '{"http": {"tls": {"skipVerify": false}}}', "http.tls.skip_verify"
    ),
    _patch("An update sets retries to 0", '{"retries": 0}', "retries"),
    _patch("An update clears a string", '{"http": {"bodyContains": ""}}', "http.body_contains"),
    _patch("An update clears a list", '{"http": {"assertions": []}}', "http.assertions"),
    _patch("An update replaces a list as a whole", '{"http": {"expectedStatus": [200]}}', "http.expected_status"),
    _patch("An update replaces a map as a whole", '{"http": {"headers": {"X-A": "1"}}}', "http.headers"),
    _patch("An update clears a field with null", '{"timeout": null}', "timeout"),
    _patch("An update changes two fields", '{"name": "b", "http": {"url": "http://b.test/"}}', "name,http.url"),
    _row(
        "A misspelt field is updated",
        '{"intervall": "30s"}',
        refused("check.intervall", "interval"),
        _DROPPED,
        method="PATCH",
        path=_CHECK,
    ),
)
