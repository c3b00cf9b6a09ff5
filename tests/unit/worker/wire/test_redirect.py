"""semantics.md §22 and RFC 9110 §15.4: where a redirect leads, and what goes along."""

import httpx
import pytest

from services.common.outcome import ErrorKind
from services.common.specs.client_certificate import ClientCertificate
from services.worker.wire.hop import Hop
from services.worker.wire.probe_failure import ProbeFailure
from services.worker.wire.redirect import next_hop

CERTIFICATE = ClientCertificate("certificate", "key")


def follow(method: str, status: int, location: str, **headers: str) -> Hop | None:
    given = {"Authorization": "Bearer secret", "x-api-key": "secret", "Host": "shop.internal", **headers}
    body = b"body" if method in {"POST", "PUT"} else b""
    hop = Hop(
        method=method,
        url=httpx.URL("https://shop.test/a?b=1"),
        headers=tuple(given.items()),
        body=body,
        certificate=CERTIFICATE,
    )
    return next_hop(hop, status, [(b"Location", location.encode())])


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("GET", 301, "GET"), ("POST", 301, "GET"), ("POST", 302, "GET"), ("PUT", 302, "PUT"), ("PUT", 303, "GET"),
        ("POST", 307, "POST"), ("POST", 308, "POST"), ("HEAD", 303, "HEAD"),
    ],
)  # fmt: skip
def test_the_method_changes_as_the_rfc_says_and_the_body_goes_with_it(method: str, status: int, expected: str) -> None:
    following = follow(method, status, "/next")

    assert following is not None
    assert following.method == expected
    assert following.body == (b"body" if method == expected and method in {"POST", "PUT"} else b"")
    assert str(following.url) == "https://shop.test/next"


@pytest.mark.parametrize(
    "location", ["https://evil.test/", "http://shop.test/", "https://shop.test:8443/", "//evil.test/x"]
)
def test_nothing_that_could_be_a_secret_goes_to_another_origin(location: str) -> None:
    following = follow("POST", 307, location, cookie="secret", accept="text/html")

    assert following is not None
    assert "secret" not in str(following.headers)
    assert dict(following.headers)["accept"] == "text/html"
    assert following.body == b""
    assert following.certificate is None


def test_headers_go_along_within_the_origin() -> None:
    following = follow("GET", 302, "https://shop.test:443/x")

    assert following is not None
    assert dict(following.headers)["Authorization"] == "Bearer secret"
    assert "Host" not in dict(following.headers)
    assert following.certificate is CERTIFICATE


@pytest.mark.parametrize("location", ["ftp://shop.test/", "file:///etc/passwd", "", "https://u:p@shop.test/"])
def test_what_cannot_be_requested_is_not_followed(location: str) -> None:
    assert follow("GET", 302, location) is None


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("http://", "must name a host"),
        ("https://shop.test:65536/", "must have a port from 1 to 65535, and has 65536"),
        ("https://shop.test:0/", "must have a port from 1 to 65535, and has 0"),
        ("https://shop.test:port/", "is not a URL that can be requested"),
        ("https://[shop.test]x]/", "is not a URL that can be requested"),
        ("https://xn--a/", "must name a host that IDNA allows"),
        ("https://xn--999/", "must name a host that IDNA allows"),
    ],
)
def test_a_location_that_is_none_fails_the_probe_and_says_why(location: str, said: str) -> None:
    with pytest.raises(ProbeFailure) as failed:
        follow("GET", 302, location)

    assert failed.value.kind is ErrorKind.PROTOCOL
    assert failed.value.sentence == f"the redirect cannot be followed: its location {said}"


def test_an_answer_that_is_no_redirect_leads_nowhere() -> None:
    assert follow("GET", 200, "/x") is None
