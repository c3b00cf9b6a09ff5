"""semantics.md §22: only public addresses, and what the operator allows."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.worker.wire.egress import EgressPolicy

NOTHING = EgressPolicy()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0",  # noqa: S104 — refused, not bound
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "192.0.0.1",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1",
        "fd00:ec2::254", "ff02::1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1",
        "2001:db8::1", "not an address", "", "127.1",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not NOTHING.admits(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_admitted(address: str) -> None:
    assert NOTHING.admits(address)


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_gets_in_by_being_carried_in_an_ipv6_one(ip: ipaddress.IPv4Address) -> None:
    policy = EgressPolicy.parse(f"{ip}/32")
    number = int(ip)

    assert policy.admits(str(ip))
    for carried in (
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
        ipaddress.IPv6Address(number),
    ):
        assert not policy.admits(str(carried))


def test_what_the_operator_allows_is_admitted_and_nothing_beside_it() -> None:
    policy = EgressPolicy.parse(" 10.0.0.0/8, 127.0.0.1/32 ,::1/128,")

    assert [policy.admits(ip) for ip in ("10.255.0.1", "127.0.0.1", "::1")] == [True] * 3
    assert [policy.admits(ip) for ip in ("11.0.0.1", "127.0.0.2", "::2")] == [True, False, False]


@pytest.mark.parametrize("part", ["10.0.0.1/8", "localhost", "10.0.0.0/33", "all"])
def test_what_is_no_cidr_is_named(part: str) -> None:
    with pytest.raises(ValueError, match=part):
        EgressPolicy.parse(f"127.0.0.1/32,{part}")
