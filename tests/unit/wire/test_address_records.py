"""The addresses of an answer: aliases followed, bounded, and no bytes raise anything but MalformedAnswerError."""

import dns.message
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire.address_records import (
    AAAA,
    A,
    Addresses,
    MalformedAnswerError,
    addresses_in,
    name_in_wire_form,
)

NAME = name_in_wire_form("Shop.acme.test.")
START = 12 + len(NAME) + 4


def message(*records: str, type_: str = "A") -> bytes:
    lines = ["id 7", "opcode QUERY", "flags QR RD RA", ";QUESTION", f"shop.acme.test. IN {type_}", ";ANSWER", *records]
    return dns.message.from_text("\n".join(lines)).to_wire()


def read(data: bytes, type_: int = A) -> Addresses:
    return addresses_in(data, START, int.from_bytes(data[6:8], "big"), NAME, type_)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], ((), 2**31 - 1)),
        (["shop.acme.test. 60 IN A 192.0.2.1"], (("192.0.2.1",), 60)),
        (["SHOP.Acme.test. 60 IN A 192.0.2.1", "shop.acme.test. 30 IN A 192.0.2.2"], (("192.0.2.1", "192.0.2.2"), 30)),
        (["shop.acme.test. 9 IN CNAME a.cdn.test.", "A.cdn.test. 60 IN A 192.0.2.1"], (("192.0.2.1",), 9)),
        (["a.cdn.test. 60 IN A 192.0.2.1", "shop.acme.test. 90 IN CNAME a.cdn.test."], (("192.0.2.1",), 60)),
        (["shop.acme.test. 9 IN CNAME a.cdn.test."], ((), 9)),
        (["shop.acme.test. 9 IN CNAME shop.acme.test."], ((), 9)),
        (["shop.acme.test. 9 IN CNAME a.test.", "a.test. 7 IN CNAME shop.acme.test."], ((), 7)),
        (["other.test. 60 IN A 192.0.2.1"], ((), 2**31 - 1)),
        (["shop.acme.test. 60 IN TXT x", "shop.acme.test. 60 IN A 192.0.2.1"], (("192.0.2.1",), 60)),
        (["shop.acme.test. 60 IN AAAA 2001:db8::1"], ((), 2**31 - 1)),
    ],
)
def test_the_addresses_at_the_end_of_the_aliases(records: list[str], expected: tuple[tuple[str, ...], int]) -> None:
    found = read(message(*records))
    assert (tuple(sorted(found.found)), found.ttl_s) == expected


def test_ipv6_in_its_canonical_text() -> None:
    records = message("shop.acme.test. 60 IN AAAA 2001:db8:0:0::1", type_="AAAA")
    assert read(records, AAAA) == (("2001:db8::1",), 60)


def test_a_ttl_with_its_highest_bit_set_is_none() -> None:
    data = message("shop.acme.test. 60 IN A 192.0.2.1")
    assert read(data[:-10] + b"\xff\xff\xff\xff" + data[-6:]).ttl_s == 0


@pytest.mark.parametrize(
    "records",
    [
        b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\3abc",  # an address of three bytes
        b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4abc",  # one that breaks off
        b"\xc0" + bytes((START,)) + b"\0\1\0\1\0\0\0\x3c\0\4abcd",  # a name that points at itself
        b"\xff\xff\0\1\0\1\0\0\0\x3c\0\4abcd",  # and one that points behind the end
        b"\x40a\0\0\1\0\1\0\0\0\x3c\0\4abcd",  # a label of an unknown type
        b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\5\xc0\x0cabc",  # an alias that is shorter than it says
        b"",
    ],
)
def test_what_is_malformed_is_said_to_be(records: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        addresses_in(bytes(12) + NAME + bytes(4) + records, START, 1, NAME, A)


def test_long_names_in_few_bytes_and_many_records_are_refused() -> None:
    long_name = b"\x3f" + b"x" * 63
    place = bytes((0xC0, START))
    record = place + b"\0\1\0\1\0\0\0\x3c\0\4abcd"
    first = long_name * 3 + b"\0" + record[2:]
    with pytest.raises(MalformedAnswerError):
        addresses_in(bytes(12) + NAME + bytes(4) + first + record * 250, START, 251, NAME, A)
    with pytest.raises(MalformedAnswerError):
        addresses_in(bytes(12) + NAME + bytes(4) + record * 300, START, 300, NAME, A)


@given(st.binary(max_size=200), st.integers(0, 300), st.sampled_from([A, AAAA]))
def test_no_bytes_raise_anything_else(records: bytes, count: int, type_: int) -> None:
    try:
        found = addresses_in(bytes(12) + NAME + bytes(4) + records, START, count, NAME, type_)
    except MalformedAnswerError:
        return
    assert all((":" in each) == (type_ == AAAA) for each in found.found)


@given(st.binary(max_size=30), st.integers(START, START + 60))
def test_no_change_of_a_good_answer_raises_anything_else(change: bytes, at: int) -> None:
    data = message("shop.acme.test. 9 IN CNAME a.cdn.test.", "A.cdn.test. 60 IN A 192.0.2.1")
    try:
        read(data[:at] + change + data[at + len(change) :])
    except MalformedAnswerError:
        return


@pytest.mark.parametrize("host", ["", ".", "a..b", "x" * 64, ".".join(["x" * 63] * 4), "a.."])
def test_what_is_no_name_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"label|name"):
        name_in_wire_form(host)


def test_the_longest_name_passes() -> None:
    assert len(name_in_wire_form(".".join(["x" * 63] * 3 + ["x" * 61]))) == 255
