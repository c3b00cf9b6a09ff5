"""Which URLs a check may have; whatever is given, what cannot be dialled is refused by the field's name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.specs.urls import origin_of, validate_url
from services.platform.errors import InvalidArgument

_PIECES = st.sampled_from(
    ["http:", "https:", "//", "/", "?", "@", ":", "[", "]", "::1", "%", "xn--", "xn--a", "a", "x" * 64, "x" * 300,
     "0", "65536", "99999999999", "-", ".", "é", "。", "\u200d", "\ud800", "127.1", " ", "\\"]
)  # fmt: skip
_NO_NAME = "must have a host name of at most 253 characters, in labels of 1 to 63 characters"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://xn--a/", "must have a host name that IDNA allows"),
        ("https://xn--999.test/", "must have a host name that IDNA allows"),
        ("https://\u2603.test/", "must have a host name that IDNA 2008 allows: no symbols, no full-width letters"),
        ("https://\uff45.test/", "must have a host name that IDNA 2008 allows: no symbols, no full-width letters"),
        ("https://*.a.test/", "must have a host name of letters, digits, hyphens, underscores and dots"),
        ("https://%61.test/", "must have a host name of letters, digits, hyphens, underscores and dots"),
        ("https://[fe80::1%25eth0]/", "must not contain an IPv6 zone"),
        ("https://a.test:65536/", "must have a port from 1 to 65535; it has 65536"),
        ("https://a.test:0/", "must have a port from 1 to 65535; it has 0"),
        ("https:///a", "must contain a host"),
        ("https://[a]]/", "must be a valid URL"),
        ("https://a..test/", _NO_NAME),
        ("https://.a.test/", _NO_NAME),
        (f"https://{'a' * 64}.test/", _NO_NAME),
        (f"https://{'a.' * 127}test/", _NO_NAME),
        ("ftp://a.test/", "must begin with http:// or https://"),
        ("https://user@a.test/", "must not contain credentials; use headers"),
    ],
)
def test_a_url_that_cannot_be_dialled_is_refused_by_the_fields_name(url: str, said: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        validate_url(url, "check.http.url")

    assert [(each.field, each.description) for each in refused.value.violations] == [("check.http.url", said)]


@pytest.mark.parametrize(
    "host", ["a", "a.test.", "a" * 63 + ".test", "192.0.2.1", "[2001:db8::1]", "grüße.test", "a_b.test"]
)
def test_a_host_that_can_be_dialled_is_taken(host: str) -> None:
    validate_url(f"https://{host}/", "check.http.url")


@given(st.lists(_PIECES, max_size=8).map("".join) | st.text(max_size=40))
def test_no_text_is_a_fault_of_ours(text: str) -> None:
    for url in (text, f"https://{text}"):
        origin_of(url)
        try:
            validate_url(url, "url")
        except InvalidArgument as refused:
            assert [each.field for each in refused.violations] == ["url"]  # noqa: PT017 — most texts are refused, not all
