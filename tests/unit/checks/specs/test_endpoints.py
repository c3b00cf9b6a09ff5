"""A place is read as people write it, and what is none is refused with a phrase that says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.specs.endpoints import Endpoint, parse_endpoint, validate_endpoint
from services.platform.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("api.acme.test:443", Endpoint("api.acme.test", None, 443)),
        ("API.acme.test.:1", Endpoint("api.acme.test", None, 1)),
        ("münchen.test:65535", Endpoint("xn--mnchen-3ya.test", None, 65_535)),
        ("192.0.2.53", Endpoint("192.0.2.53", "192.0.2.53", 53)),
        ("192.0.2.53:5353", Endpoint("192.0.2.53", "192.0.2.53", 5_353)),
        ("[2001:DB8:0::1]:53", Endpoint("2001:db8::1", "2001:db8::1", 53)),
        ("[2001:db8::1]", Endpoint("2001:db8::1", "2001:db8::1", 53)),
        ("2001:db8::1", Endpoint("2001:db8::1", "2001:db8::1", 53)),
        ("ns1.acme.test", Endpoint("ns1.acme.test", None, 53)),
    ],
)
def test_a_place_is_read(text: str, place: Endpoint) -> None:
    assert parse_endpoint(text, 53) == place


@pytest.mark.parametrize("text", ["api.acme.test", "192.0.2.1", "2001:db8::1", "[2001:db8::1]"])
def test_without_a_port_of_its_own_it_has_to_say_one(text: str) -> None:
    with pytest.raises(ValueError, match="a host and a port"):
        parse_endpoint(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "host"),
        (":53", "host"),
        ("a b.test:53", "host"),
        ("http://a.test:53", "host"),
        ("a.test/x:53", "host"),
        ("user@a.test:53", "host"),
        ("1.2.3:53", "host"),
        ("[fe80::1%eth0]:53", "host"),
        ("[192.0.2.1]:53", "brackets"),
        ("[2001:db8::1:53", "brackets"),
        ("[2001:db8::1]53", "brackets"),
        ("a.test:", "port"),
        ("a.test:0", "port"),
        ("a.test:65536", "port"),
        ("a.test:-1", "port"),
        ("a.test:٣", "port"),
        ("a.test:" + "9" * 9_999, "port"),
    ],
)
def test_what_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said) as refused:
        validate_endpoint(text, "check.dns.server", 53)

    assert refused.value.violations[0].field == "check.dns.server"


@given(st.text(max_size=40) | st.text("a1.:[]-%", max_size=12))
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    try:
        place = parse_endpoint(text, 53)
    except ValueError as error:
        assert str(error).startswith("must ")  # noqa: PT017 — what is raised is as good as an answer
    else:
        assert (
            parse_endpoint(f"[{place.host}]:{place.port}" if ":" in place.host else f"{place.host}:{place.port}")
            == place
        )
