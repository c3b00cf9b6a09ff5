"""A request's bytes: whole, and never more than one request."""

import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.checks.specs.client_certificate import ClientCertificate
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import BasicAuth, HttpAuth
from services.checks.specs.tls_options import DEFAULT_TLS, TlsOptions
from services.wire import http_request
from services.wire.http_request import encode_check_request, encode_request, initial_request
from services.wire.probe_failure import ProbeFailure

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=10)
values = st.text(st.characters(min_codepoint=0, max_codepoint=0x2FFF), max_size=20)


def lines(spec: HttpSpec) -> list[str]:
    head, _, _ = encode_check_request(spec).bytes.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n")


def test_a_plain_check_asks_for_its_page() -> None:
    assert lines(HttpSpec(url="http://Shop.test/a b?c=d#e")) == [
        "GET /a%20b?c=d HTTP/1.1",
        "Host: shop.test",
        "User-Agent: SentinelStack",
        "Accept: */*",
        "Connection: close",
    ]


@pytest.mark.parametrize(
    ("url", "host", "address", "port", "named"),
    [
        ("http://shop.test", "shop.test", None, 80, "shop.test"),
        ("https://shop.test:8443/", "shop.test", None, 8443, "shop.test:8443"),
        ("https://shop.test:443/", "shop.test", None, 443, "shop.test"),
        ("http://192.0.2.1:81/", "192.0.2.1", "192.0.2.1", 81, "192.0.2.1:81"),
        ("http://[2001:DB8::1]/", "2001:DB8::1", "2001:db8::1", 80, "[2001:DB8::1]"),
        ("http://grüße.test/", "xn--gre-6ka8l.test", None, 80, "xn--gre-6ka8l.test"),
    ],
)
def test_where_it_goes_and_whom_it_names(url: str, host: str, address: str | None, port: int, named: str) -> None:
    made = encode_check_request(HttpSpec(url=url))

    assert (made.host, made.address, made.port) == (host, address, port)
    assert f"Host: {named}" in lines(HttpSpec(url=url))


def test_a_checks_own_headers_stand_instead_of_the_defaults() -> None:
    sent = lines(
        HttpSpec(url="http://t/", headers=(("HOST", "a"), ("user-agent", "b"), ("accept", "c")), body_contains="x")
    )

    assert sent[1:] == [
        "HOST: a",
        "user-agent: b",
        "accept: c",
        "Accept-Encoding: gzip, deflate, br",
        "Connection: close",
    ]


def test_who_a_check_says_it_is_stands_among_its_headers_and_its_certificate_beside_them() -> None:
    certificate = ClientCertificate("certificate", "key")
    auth = HttpAuth(basic_auth=BasicAuth("bob", "pw"), client_certificate=certificate)

    assert lines(HttpSpec(url="http://t/", headers=(("A", "b"),), auth=auth))[2:4] == [
        "A: b",
        "Authorization: Basic Ym9iOnB3",
    ]
    assert "Authorization: Bearer abc" in lines(HttpSpec(url="http://t/", auth=HttpAuth(bearer_token="abc")))
    assert encode_check_request(HttpSpec(url="https://t/", auth=auth)).certificate is certificate
    assert encode_check_request(HttpSpec(url="http://t/", auth=auth)).certificate is None


@pytest.mark.parametrize(("method", "body", "length"), [("POST", b"", "0"), ("GET", b"ab", "2"), ("PUT", b"abc", "3")])
def test_a_body_is_framed_by_its_length(method: str, body: bytes, length: str) -> None:
    spec = HttpSpec(url="http://t/", method=method, body=body)

    assert f"Content-Length: {length}" in lines(spec)
    assert encode_check_request(spec).bytes.endswith(b"\r\n\r\n" + body)


@given(st.lists(st.tuples(names, values), max_size=5))
def test_no_header_makes_a_second_header_or_request(headers: list[tuple[str, str]]) -> None:
    spec = HttpSpec(url="http://t/", headers=tuple(headers))
    try:
        made = encode_check_request(spec).bytes
    except ProbeFailure:
        made = b""
    breaks = any("\r" in value or "\n" in value for _, value in headers)

    assert (made == b"") == breaks
    if made:
        given_names = {name for name, _ in headers}
        defaults = 4 - len(given_names & {"host"}) - len(given_names & {"accept", "user-agent"})
        assert made.count(b"\r\n") == 1 + len(headers) + defaults + 1
        assert made.endswith(b"\r\n\r\n")


def test_the_name_to_verify_is_the_host_without_its_last_dot_or_the_checks_own() -> None:
    assert encode_check_request(HttpSpec(url="https://shop.test./")).server_name == "shop.test"
    assert (
        encode_check_request(HttpSpec(url="https://shop.test/", tls=TlsOptions(server_name="a.test"))).server_name
        == "a.test"
    )
    assert encode_check_request(HttpSpec(url="http://shop.test/")).tls is None
    assert encode_check_request(HttpSpec(url="https://shop.test/")).tls is DEFAULT_TLS


def test_a_redirects_request_is_made_the_same_way() -> None:
    hop = initial_request(HttpSpec(url="http://t/"))._replace(url=httpx.URL("https://other.test/x"))

    assert encode_request(hop).bytes.startswith(b"GET /x HTTP/1.1\r\nHost: other.test\r\n")


_HOSTS = st.sampled_from(
    ["a.test", "xn--bcher-kva.test", "127.0.0.1", "localhost", "A.test", "b--c.d.test", "256.1.1.1"]
)
_PATHS = st.text("aB0._~-/%?=&#'é :", max_size=12)


@given(st.sampled_from(["http", "https"]), _HOSTS, st.sampled_from(["", ":80", ":443", ":8080"]), _PATHS)
def test_a_plain_url_is_read_as_httpx_reads_it(scheme: str, host: str, port: str, path: str) -> None:
    url = f"{scheme}://{host}{port}" + (f"/{path}" if path else "")
    try:
        expected = http_request._endpoint(httpx.URL(url))
    except (httpx.InvalidURL, UnicodeError, ValueError):
        assume(condition=False)
        raise
    assert http_request._endpoint_of(url) == expected
