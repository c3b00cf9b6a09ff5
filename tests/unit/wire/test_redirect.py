"""docs/adr/0036 and RFC 9110 §15.4: where a redirect leads, and what goes along."""

import httpx
import pytest

from services.checks.outcome import ErrorKind
from services.checks.specs.client_certificate import ClientCertificate
from services.wire.http_request import HttpRequest
from services.wire.probe_failure import ProbeFailure
from services.wire.redirect import next_hop, shown

CERTIFICATE = ClientCertificate("certificate", "key")


def follow(method: str, status: int, *locations: str | bytes, **headers: str) -> HttpRequest | None:
    """Where answers lead, one after the other."""
    given = {"Authorization": "Bearer secret", "x-api-key": "secret", "Host": "shop.internal", **headers}
    body = b"body" if method in {"POST", "PUT"} else b""
    first = HttpRequest(
        method=method,
        url=httpx.URL("https://shop.test/a?b=1"),
        headers=tuple(given.items()),
        body=body,
        certificate=CERTIFICATE,
    )
    hop: HttpRequest | None = first
    for location in locations:
        assert hop is not None
        value = location if isinstance(location, bytes) else location.encode()
        hop = next_hop(hop, status, [(b"Location", value)], first)
    return hop


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("GET", 300, "GET"), ("POST", 300, "POST"), ("GET", 301, "GET"), ("POST", 301, "GET"), ("POST", 302, "GET"),
        ("PUT", 302, "PUT"), ("DELETE", 302, "DELETE"), ("PUT", 303, "GET"), ("POST", 303, "GET"),
        ("POST", 307, "POST"), ("POST", 308, "POST"), ("PUT", 308, "PUT"), ("HEAD", 303, "HEAD"), ("HEAD", 301, "HEAD"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("location", ["/next", "https://other.test/next", "http://shop.test/next"])
def test_the_method_changes_as_the_rfc_says_and_the_body_goes_with_it_to_any_origin(
    method: str, status: int, expected: str, location: str
) -> None:
    following = follow(method, status, location, **{"Content-Type": "text/plain"})

    assert following is not None
    assert following.method == expected
    keeps_body = method == expected and method in {"POST", "PUT"}
    assert following.body == (b"body" if keeps_body else b"")
    assert following.url.path == "/next"
    if method in {"POST", "PUT"}:
        assert ("Content-Type" in dict(following.headers)) == keeps_body


@pytest.mark.parametrize(
    "location", ["https://evil.test/", "http://shop.test/", "https://shop.test:8443/", "//evil.test/x"]
)
def test_nothing_that_could_be_a_secret_goes_to_another_origin(location: str) -> None:
    following = follow("POST", 307, location, cookie="secret", accept="text/html")

    assert following is not None
    assert "secret" not in str(following.headers)
    assert dict(following.headers) == {"accept": "text/html"}
    assert following.certificate is None


def test_headers_go_along_within_the_origin() -> None:
    following = follow("GET", 302, "https://shop.test:443/x")

    assert following is not None
    assert dict(following.headers)["Authorization"] == "Bearer secret"
    assert dict(following.headers)["Host"] == "shop.internal"
    assert following.certificate is CERTIFICATE


def test_what_belongs_to_the_checks_own_origin_is_sent_there_again_after_a_way_by_another() -> None:
    following = follow("GET", 302, "https://login.test/", "https://shop.test/back")

    assert following is not None
    assert dict(following.headers)["Authorization"] == "Bearer secret"
    assert dict(following.headers)["Host"] == "shop.internal"
    assert following.certificate is CERTIFICATE


def test_a_body_that_was_left_behind_does_not_come_back() -> None:
    first = follow("POST", 303, "/a", **{"Content-Type": "text/plain"})
    assert first is not None
    following = follow("POST", 303, "/a", "/b", **{"Content-Type": "text/plain"})

    assert following is not None
    assert (following.method, following.body) == ("GET", b"")
    assert "Content-Type" not in dict(following.headers)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/café", "https://shop.test/caf%C3%A9"),
        (b"/caf\xe9", "https://shop.test/caf%E9"),
        ("/\N{GRINNING FACE}?ü=ö", "https://shop.test/%F0%9F%98%80?%C3%BC=%C3%B6"),
        ("https://grüße.test/ü", "https://xn--gre-6ka8l.test/%C3%BC"),
        ("/a b?c d", "https://shop.test/a%20b?c%20d"),
        (b"/a\tb\x01\x7f", "https://shop.test/a%09b%01%7F"),
        ("/caf%C3%A9%20%zz", "https://shop.test/caf%C3%A9%20%zz"),
        ("//other.test/x", "https://other.test/x"),
        ("///other.test/x", "https://other.test/x"),
        ("https:///other.test/x", "https://other.test/x"),
        ("HTTPS://OTHER.test/X", "https://other.test/X"),
        ("?q=1", "https://shop.test/dir/a?q=1"),
        ("#top", "https://shop.test/dir/a?b=1#top"),
        ("../x", "https://shop.test/x"),
        ("./x", "https://shop.test/dir/x"),
        ("x?y#z", "https://shop.test/dir/x?y#z"),
        ("https://other.test", "https://other.test"),
        ("https://other.test?a=b", "https://other.test?a=b"),
        # One slash before the host: curl. Browsers take it for a path where the scheme is that of the page.
        ("https:/other.test/x", "https://other.test/x"),
        ("http:/other.test/x", "http://other.test/x"),
        ("https:////other.test/x", "https://other.test/x"),
        # curl refuses these: browsers.
        ("http:other.test/x", "http://other.test/x"),
        ("https:x", "https://shop.test/dir/x"),
        ("HTTPS:x:1/y", "https://shop.test/dir/x:1/y"),
        ("https:?q", "https://shop.test/dir/a?q"),
        ("https:", "https://shop.test/dir/a?b=1"),
        (r"https:\\other.test\x", "https://other.test/x"),
        (r"https:/\other.test\x", "https://other.test/x"),
        (r"https:\other.test", "https://other.test"),
        (r"https://other.test\x", "https://other.test/x"),
        # curl takes a backslash for a part of a name.
        (r"\\other.test\x", "https://other.test/x"),
        (r"/\other.test\x", "https://other.test/x"),
        (r"\x\y", "https://shop.test/x/y"),
        ("x\\y", "https://shop.test/dir/x/y"),
        (r"..\x", "https://shop.test/x"),
        (r"/x?a\b#c\d", "https://shop.test/x?a\\b#c\\d"),
        (r"https://other.test\@shop.test/x", "https://other.test/@shop.test/x"),
        # A host is what it means.
        ("https://127.1/x", "https://127.0.0.1/x"),
        ("//127.1/x", "https://127.0.0.1/x"),
        ("https://0x7F.1:8443", "https://127.0.0.1:8443"),
        ("https://u:p@2130706433/", "https://u:p@127.0.0.1/"),
        ("https://0177.0.0.01/", "https://127.0.0.1/"),
        ("https://127.0.0.1./", "https://127.0.0.1/"),
        ("https://%31%32%37.1/", "https://127.0.0.1/"),
        ("https://\uff11\uff12\uff17.1/", "https://127.0.0.1/"),
        ("https://127\u30021/", "https://127.0.0.1/"),
        ("https://%6Fther.test/x", "https://other.test/x"),
        ("https://\uff2f\uff34\uff28\uff25\uff32.test/x", "https://other.test/x"),
        ("https://[::1]:8443/x", "https://[::1]:8443/x"),
    ],
)
def test_a_location_leads_where_it_leads_browsers_and_curl(location: str | bytes, expected: str) -> None:
    following = follow("GET", 302, "/dir/a?b=1", location)

    assert following is not None
    assert str(following.url) == expected


def test_the_first_location_that_says_something_counts() -> None:
    hop = HttpRequest(method="GET", url=httpx.URL("https://shop.test/"), headers=(), body=b"")
    following = next_hop(hop, 302, [(b"location", b""), (b"LOCATION", b"/one"), (b"location", b"/two")])

    assert following is not None
    assert following.url.path == "/one"


def test_credentials_in_a_location_are_sent_to_where_it_leads_and_not_shown() -> None:
    following = follow("GET", 302, "https://u:p%40@other.test/x")
    beside_own = follow("GET", 302, "https://u:p@shop.test/x")

    assert following is not None
    assert dict(following.headers) == {"Authorization": "Basic dTpwQA=="}
    assert shown(following.url) == "https://other.test/x"
    assert beside_own is not None
    assert dict(beside_own.headers)["Authorization"] == "Bearer secret"


@pytest.mark.parametrize("location", ["ftp://shop.test/", "file:///etc/passwd", "mailto:a@shop.test", ""])
def test_what_cannot_be_requested_is_not_followed(location: str) -> None:
    assert follow("GET", 302, location) is None


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://", "must contain a host"),
        ("http://", "must contain a host"),
        ("//", "must contain a host"),
        ("//?a", "must contain a host"),
        ("http:", "must contain a host"),
        ("https:/", "must contain a host"),
        ("https:\\\\", "must contain a host"),
        ("https://a%2fb/", "must not have forbidden characters in its host"),
        ("https://a%40shop.test/", "must not have forbidden characters in its host"),
        ("https://shop.test\uff052f/", "must not have forbidden characters in its host"),
        ("https://shop.test\uff0fx/", "must not have forbidden characters in its host"),
        ("https://127.0.0.256/", "must be a valid URL"),
        ("https://shop.test:65536/", "must have a port from 1 to 65535; it has 65536"),
        ("https://shop.test:0/", "must have a port from 1 to 65535; it has 0"),
        ("https://shop.test:port/", "must be a valid URL"),
        ("https://[shop.test]x]/", "must be a valid URL"),
        ("https://xn--a/", "must have a host name that IDNA allows"),
        ("https://xn--999/", "must have a host name that IDNA allows"),
    ],
)
def test_a_location_that_is_none_fails_the_probe_and_says_why(location: str, said: str) -> None:
    with pytest.raises(ProbeFailure) as failed:
        follow("GET", 302, location)

    assert failed.value.kind is ErrorKind.PROTOCOL
    assert failed.value.sentence == f'redirect cannot be followed: its location {said}: "{location}"'


def test_an_answer_that_is_no_redirect_leads_nowhere() -> None:
    assert follow("GET", 200, "/x") is None
