"""A host is an address or a name, in one spelling for the wire; whatever else is refused by the field's name."""

import ipaddress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import InvalidArgument
from services.common.specs.hosts import ascii_host, literal, refuse_bad_host


@pytest.mark.parametrize(
    ("host", "on_the_wire"),
    [
        ("db.acme.test", "db.acme.test"),
        ("DB.Acme.TEST.", "db.acme.test."),
        ("localhost", "localhost"),
        ("a_b.c-d.test", "a_b.c-d.test"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
    ],
)
def test_names_and_addresses_have_one_spelling_on_the_wire(host: str, on_the_wire: str) -> None:
    refuse_bad_host(host, "check.tcp.host")

    assert ascii_host(host) == on_the_wire


@pytest.mark.parametrize(
    "host",
    [
        "", ".", "a..b", ".a", "-a.test", "a-.test", "a" * 64 + ".test", "a." * 127 + "a", "a b", "a\nb", "a\x00b",
        "a:80", "http://a.test", "a.test/", "user@a.test", "[::1]", "fe80::1%eth0", "127.1", "1.2.3", "256.1.1.1",
        "01.2.3.4", "0x7f.1", "2130706433", "a.test.0x7f", "\uff10.test\u2488", "\ufb00.test", "*.test",
        "a,b", "xn--\xfc.test",
    ],
)  # fmt: skip
def test_what_is_neither_is_refused_by_the_fields_name(host: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        refuse_bad_host(host, "check.tcp.host")

    assert [violation.field for violation in refused.value.violations] == ["check.tcp.host"]


@given(st.text(max_size=300) | st.from_regex(r"[a-zß-ü0-9.:_-]{1,70}", fullmatch=True))
def test_whatever_is_given_is_refused_or_spelled_for_good_in_plain_ascii(host: str) -> None:
    try:
        spelled = ascii_host(host)
    except ValueError:
        return

    assert ascii_host(spelled) == spelled
    assert spelled.isascii()
    assert literal(spelled) is not None or set(spelled) <= set("abcdefghijklmnopqrstuvwxyz0123456789._-")


@given(st.from_regex(r"([a-zà-öA-Z][a-z0-9à-ö]{0,20}\.){1,3}[a-z]{2,9}", fullmatch=True))
def test_a_name_is_spelled_as_in_a_url(host: str) -> None:
    assert ascii_host(host) == httpx.URL(f"http://{host}/").raw_host.decode()


@given(st.ip_addresses())
def test_an_address_is_itself(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert ascii_host(str(address)) == str(address)
