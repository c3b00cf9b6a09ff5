"""A host is an address or a name, in one spelling for the wire; whatever else is refused by the field's name."""

import ipaddress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.specs.dns import DnsSpec
from services.checks.specs.hosts import ascii_host, is_loose_address, literal, loose_address, validate_host
from services.checks.specs.urls import validate_url
from services.platform.errors import InvalidArgument


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
    validate_host(host, "check.tcp.host")

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
        validate_host(host, "check.tcp.host")

    assert [violation.field for violation in refused.value.violations] == ["check.tcp.host"]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"), ("127.0.1", "127.0.0.1"), ("0x7f.1", "127.0.0.1"), ("0X7F000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"), ("0177.0.0.01", "127.0.0.1"), ("00000000000000177.1", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"), ("127.0.0.1.", "127.0.0.1"), ("127.65536", "127.1.0.0"), ("1.2.772", "1.2.3.4"),
        ("1", "0.0.0.1"), ("0x.1", "0.0.0.1"), ("4294967295", "255.255.255.255"),
        ("0x000000000c0a80001", "192.168.0.1"),
    ],
)  # fmt: skip
def test_an_address_is_read_as_browsers_read_it(host: str, address: str) -> None:
    assert loose_address(host) == address
    assert is_loose_address(host) or host == address


@pytest.mark.parametrize(
    "host",
    [
        "", ".", "a", "a.1", "1.a", "127..1", ".1", "1.2.3.4.5", "1.2.3.4..", "256.1", "1.2.3.256", "1.2.65536",
        "127.16777216", "4294967296", "08", "0x1g", "1e3", "-1", "+1", " 1", "\u0663.1", "9" * 5_000, "0x" + "f" * 9,
    ],
)  # fmt: skip
def test_what_is_no_address_for_browsers_is_none(host: str) -> None:
    assert loose_address(host) is None


@given(st.integers(0, 2**32 - 1))
def test_every_address_has_all_its_spellings(number: int) -> None:
    address = str(ipaddress.IPv4Address(number))
    parts = address.split(".")

    assert {loose_address(spelled) for spelled in (
        str(number), hex(number), f"0{number:o}", address, f"{address}.", ".".join(map(hex, map(int, parts))),
        f"{parts[0]}.{number % 2**24}", f"{parts[0]}.{parts[1]}.0{number % 2**16:o}",
    )} == {address}  # fmt: skip


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


@pytest.mark.parametrize(
    "url", ["http://SHOP.Test./", "http://my_shop._tcp.test/", "http://[2001:DB8::1]:80/", "http://BÜCHER.test/"]
)
def test_what_browsers_take_as_a_host_is_taken_in_a_url(url: str) -> None:
    validate_url(url, "check.http.url")


@pytest.mark.parametrize(
    ("name", "type_", "said"),
    [
        ("192.0.2.1", "A", "must be a DNS name; an IP address is supported only for the type PTR"),
        ("::1", "AAAA", "must be a DNS name; an IP address is supported only for the type PTR"),
        ("192.0.2.1.", "MX", "must be a DNS name; an IP address is supported only for the type PTR"),
        ("shop.test:53", "A", "must be a DNS name without brackets or port"),
        ("[2001:db8::1]", "PTR", "must be a DNS name without brackets or port"),
        ("http://shop.test", "A", "must be a DNS name without brackets or port"),
        ("shop..test", "A", "must be a DNS name"),
    ],
)
def test_what_no_name_server_knows_is_refused_by_the_fields_name(name: str, type_: str, said: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        DnsSpec(name, type_).validate("check.dns")

    assert [(each.field, each.description) for each in refused.value.violations] == [("check.dns.name", said)]


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("192.0.2.1", "PTR"),
        ("2001:db8::1", "PTR"),
        ("0/25.2.0.192.in-addr.arpa", "PTR"),
        ("_sip._tcp.shop.test", "SRV"),
        ("*.shop.test", "A"),
        ("SHOP.test.", "A"),
    ],
)
def test_what_a_name_server_may_know_is_taken(name: str, type_: str) -> None:
    DnsSpec(name, type_).validate("check.dns")
