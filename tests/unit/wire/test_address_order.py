"""The order of a name's addresses, by the examples of RFC 6724 §10.2."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire.address_order import in_order


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"2001:db8:1::1": "2001:db8:1::2", "198.51.100.121": "169.254.13.78"}, ["2001:db8:1::1", "198.51.100.121"]),
        ({"2001:db8:1::1": "fe80::1", "198.51.100.121": "198.51.100.117"}, ["198.51.100.121", "2001:db8:1::1"]),
        ({"2001:db8:1::1": "2001:db8:1::2", "10.1.2.3": "10.1.2.4"}, ["2001:db8:1::1", "10.1.2.3"]),
        ({"2001:db8:1::1": "2001:db8:1::2", "fe80::1": "fe80::2"}, ["fe80::1", "2001:db8:1::1"]),
        (
            {"2002:c633:6401::1": "2002:c633:6401::2", "2001:db8:1::1": "fe80::2"},
            ["2002:c633:6401::1", "2001:db8:1::1"],
        ),
        (
            {"2002:c633:6401::1": "2002:c633:6401::2", "2001:db8:1::1": "2001:db8:1::2"},
            ["2001:db8:1::1", "2002:c633:6401::1"],
        ),
        (
            {"2001:db8:3ffe::1": "2001:db8:1::2", "2001:db8:1::1": "2001:db8:1::2"},
            ["2001:db8:1::1", "2001:db8:3ffe::1"],
        ),
        ({"::1": None, "127.0.0.1": "127.0.0.1"}, ["127.0.0.1", "::1"]),
        ({"127.0.0.1": "127.0.0.1", "::1": "::1"}, ["::1", "127.0.0.1"]),
        ({"192.0.2.2": "192.0.2.9", "192.0.2.1": "192.0.2.9"}, ["192.0.2.2", "192.0.2.1"]),
    ],
)
def test_the_examples_of_the_rfc(sources: Mapping[str, str | None], expected: list[str]) -> None:
    assert list(in_order(list(sources), sources.__getitem__)) == expected


@given(st.lists(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str), unique=True))
def test_none_is_lost(addresses: list[str]) -> None:
    assert sorted(in_order(addresses, lambda each: each)) == sorted(addresses)
