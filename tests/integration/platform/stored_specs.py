"""Specs of every kind with every field, as the versions before revision 0026 stored them, and as they are stored now.

They are written out, because what a migration reads and writes does not change with the code.
"""

from typing import Any, NamedTuple
from uuid import UUID

SEALED_TENANT, SEALED_CHECK, SEALED_KEY = UUID(int=1), UUID(int=2), b"k" * 32
"""The tenant, the check and the key that the secrets of `SEALED` were encrypted for."""
SEALED_TOKEN = "abc"


class StoredSpec(NamedTuple):
    """A spec in both forms."""

    kind: str
    before: dict[str, Any]
    now: dict[str, Any]


_PLAIN_BEFORE = {
    "url": "http://t/", "method": "GET", "headers": [], "body": "", "expected_statuses": [], "follow_redirects": True,
    "max_redirects": 5, "body_contains": "", "tls": None, "assertions": [],
}  # fmt: skip
_PLAIN_NOW = {"url": "http://t/", "method": "GET", "follow_redirects": True, "max_redirects": 5}
_NO_AUTH: dict[str, Any] = {"basic_auth": None, "bearer_token": "", "client_certificate": None, "secret_headers": []}


def _http(before: dict[str, Any], now: dict[str, Any]) -> StoredSpec:
    return StoredSpec("http", _PLAIN_BEFORE | before, {"http": _PLAIN_NOW | now})


def _assertion(before: dict[str, Any], now: dict[str, Any]) -> StoredSpec:
    return _http({"assertions": [before]}, {"assertions": [now]})


def _json_path(comparison: str, operand: Any) -> StoredSpec:
    return _assertion(
        {"json_path": {"path": "$.a", "comparison": comparison, "operand": operand}},
        {"json_path": {"path": "$.a", comparison: operand}},
    )


def _header(comparison: str, operand: Any) -> StoredSpec:
    return _assertion(
        {"header": {"name": "x-a", "comparison": comparison, "operand": operand}},
        {"header": {"name": "x-a", comparison: operand}},
    )


def _phase(phase: str, limit_us: int, limit: str) -> StoredSpec:
    return _assertion(
        {"max_phase_time": {"phase": phase, "limit_us": limit_us, "only_slow": False}},
        {"max_phase_time": {"phase": f"TIMED_PHASE_{phase.upper()}", "limit": limit}},
    )


EXAMPLES = {
    "http": _http({}, {}),
    "http with every field": StoredSpec(
        "http",
        {
            "url": "https://t/", "method": "POST", "headers": [["X-B", ""], ["a", "b:c"], ["aa", "é"]], "body": "[1]\n",
            "expected_statuses": [201, 404], "follow_redirects": False, "max_redirects": 0, "body_contains": "null",
            "tls": {"skip_verify": True, "ca_certificates": "pem", "server_name": "a.test"},
            "assertions": [
                {"body_contains": {"text": "ok"}},
                {"max_total_time": {"limit_us": 1_500_000, "only_slow": True}},
                {"body_not_contains": {"text": "bad"}},
            ],
            "auth": {**_NO_AUTH, "basic_auth": {"username": "bob", "password": ""}, "secret_headers": ["X-B"]},
        },
        {
            "http": {
                "url": "https://t/", "method": "POST", "headers": {"X-B": "", "a": "b:c", "aa": "é"}, "body": "[1]\n",
                "expected_status": [201, 404], "follow_redirects": False, "max_redirects": 0, "body_contains": "null",
                "tls": {"skip_verify": True, "ca_certificates": "pem", "server_name": "a.test"},
                "assertions": [
                    {"body_contains": "ok"},
                    {"max_total_time": "1.500s", "only_slow": True},
                    {"body_not_contains": "bad"},
                ],
                "basic_auth": {"username": "bob"}, "secret_headers": ["X-B"],
            },
        },
    ),
    "http with one option of tls": _http(
        {"tls": {"skip_verify": False, "ca_certificates": "", "server_name": "a.test"}},
        {"tls": {"server_name": "a.test"}},
    ),
    "http with an empty user": _http(
        {"auth": {**_NO_AUTH, "basic_auth": {"username": "", "password": ""}}}, {"basic_auth": {}}
    ),
    "status by codes": _assertion({"status": {"codes": [200], "ranges": []}}, {"status": {"codes": [200]}}),
    "status by ranges": _assertion(
        {"status": {"codes": [], "ranges": ["200-299", "404-404"]}}, {"status": {"ranges": ["200-299", "404-404"]}}
    ),
    "body_matches": _assertion({"body_matches": {"expression": "a|b"}}, {"body_matches": "a|b"}),
    "json_path equals a text": _json_path("equals", "1"),
    "json_path equals a number": _json_path("equals", 1.5),
    "json_path equals a truth": _json_path("equals", False),
    "json_path equals null": _json_path("equals", None),
    "json_path not_equals": _json_path("not_equals", 0.0),
    "json_path exists": _json_path("exists", False),
    "json_path matches": _json_path("matches", "^a"),
    "json_path less_than": _json_path("less_than", -0.25),
    "json_path at_most": _json_path("at_most", 0.0),
    "json_path greater_than": _json_path("greater_than", 9007199254740991.0),
    "json_path at_least": _json_path("at_least", 1.0),
    "json_path equals_text": _json_path("equals_text", ""),
    "json_path not_equals_text": _json_path("not_equals_text", "12345678901234567"),
    "header equals": _header("equals", ""),
    "header contains": _header("contains", "b"),
    "header matches": _header("matches", "b$"),
    "header exists": _header("exists", True),
    "certificate_days_left": _assertion({"certificate_days_left": {"days": 0}}, {"certificate_days_left": 0}),
    "max_total_time": _assertion(
        {"max_total_time": {"limit_us": 300_000_000, "only_slow": False}}, {"max_total_time": "300s"}
    ),
    "max_phase_time of dns": _phase("dns", 1, "0.000001s"),
    "max_phase_time of connect": _phase("connect", 1_000, "0.001s"),
    "max_phase_time of tls": _phase("tls", 2_050_000, "2.050s"),
    "max_phase_time of ttfb": _phase("ttfb", 59_999_999, "59.999999s"),
    "max_phase_time of transfer": _phase("transfer", 60_000_000, "60s"),
    "tcp": StoredSpec(
        "tcp",
        {"host": "t", "port": 1, "send": "a", "expect": "b"},
        {"tcp": {"host": "t", "port": 1, "send": "a", "expect": "b"}},
    ),
    "tcp that sends nothing": StoredSpec(
        "tcp", {"host": "t", "port": 1, "send": "", "expect": ""}, {"tcp": {"host": "t", "port": 1}}
    ),
    "tls": StoredSpec(
        "tls",
        {
            "host": "t", "port": 465, "min_days_left": 7, "start_tls": 1, "skip_verify": True, "ca_certificates": "pem",
            "server_name": "a.test",
        },
        {
            "tls": {
                "host": "t", "port": 465, "min_days_left": 7, "start_tls": "START_TLS_SMTP", "skip_verify": True,
                "ca_certificates": "pem", "server_name": "a.test",
            },
        },
    ),
    "tls after imap": StoredSpec(
        "tls",
        {
            "host": "t", "port": 143, "min_days_left": 0, "start_tls": 2, "skip_verify": False, "ca_certificates": "",
            "server_name": "",
        },
        {"tls": {"host": "t", "port": 143, "start_tls": "START_TLS_IMAP"}},
    ),
    "tls from the start": StoredSpec(
        "tls",
        {
            "host": "t", "port": 443, "min_days_left": 0, "start_tls": None, "skip_verify": False,
            "ca_certificates": "", "server_name": "",
        },
        {"tls": {"host": "t", "port": 443}},
    ),
    "dns": StoredSpec(
        "dns",
        {"name": "a.test", "type": "MX", "expected": ["10 b.test", "20 c.test"], "server": "192.0.2.1:53"},
        {"dns": {"name": "a.test", "type": "MX", "expected": ["10 b.test", "20 c.test"], "server": "192.0.2.1:53"}},
    ),
    "dns that expects anything": StoredSpec(
        "dns",
        {"name": "a.test", "type": "A", "expected": [], "server": ""},
        {"dns": {"name": "a.test", "type": "A"}},
    ),
    "grpc": StoredSpec(
        "grpc",
        {
            "address": "t:1", "service": "s", "tls": True, "skip_verify": True, "ca_certificates": "pem",
            "server_name": "a.test",
        },
        {
            "grpc": {
                "address": "t:1", "service": "s", "tls": True, "skip_verify": True, "ca_certificates": "pem",
                "server_name": "a.test",
            },
        },
    ),
    "grpc in the open": StoredSpec(
        "grpc",
        {
            "address": "t:1", "service": "", "tls": False, "skip_verify": False, "ca_certificates": "",
            "server_name": "",
        },
        {"grpc": {"address": "t:1"}},
    ),
    "heartbeat": StoredSpec(
        "heartbeat",
        {"period_us": 2_678_400_000_000, "grace_us": 30_250_000},
        {"heartbeat": {"grace": "30.250s"}, "interval": "2678400s"},
    ),
    "heartbeat without grace": StoredSpec(
        "heartbeat", {"period_us": 60_000_000, "grace_us": 0}, {"heartbeat": {"grace": "0s"}, "interval": "60s"}
    ),
}  # fmt: skip

_DATA = {
    "key": "ea3f8181fe9b",
    "data": "jFNwlCKiUz2oTnZstt0tQjBNeJH0ff1X6w960sA55Qs+ZjBXaLjh0+kJYcrskDHImaA=",
}
SEALED = StoredSpec(
    "http",
    _PLAIN_BEFORE | {"auth": {**_NO_AUTH, "bearer_token": "[secret]"}, "sealed": _DATA},
    {"http": _PLAIN_NOW | {"bearer_token": "[secret]"}, "sealed": _DATA},
)
WITH_HIDDEN_SECRETS = _http(
    {
        "headers": [["Cookie", "[secret]"]],
        "auth": {
            **_NO_AUTH,
            "basic_auth": {"username": "bob", "password": "[secret]"},
            "client_certificate": {"certificate": "pem", "private_key": "[secret]"},
        },
    },
    {
        "headers": {"Cookie": "[secret]"},
        "basic_auth": {"username": "bob", "password": "[secret]"},
        "client_certificate": {"certificate": "pem", "private_key": "[secret]"},
    },
)
EXAMPLES["http with all secrets"] = StoredSpec(
    "http", WITH_HIDDEN_SECRETS.before | {"sealed": _DATA}, WITH_HIDDEN_SECRETS.now | {"sealed": _DATA}
)
