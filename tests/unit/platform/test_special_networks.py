"""Our list of special-purpose networks, held to IANA's registries."""

import csv
import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.egress.special_networks import (
    SPECIAL_NETWORKS,
    TRANSLATION_LENGTHS,
    embedded_addresses,
    special_network,
    translated_address,
)

DATA = Path(__file__).parent / "data" / "iana-special-purpose-addresses.csv"
# What IANA calls globally reachable, and we refuse: anycast that may end inside, and identifiers that nobody routes.
REFUSED_THOUGH_REACHABLE = {
    "192.0.0.9/32", "192.0.0.10/32", "192.52.193.0/24", "2001:1::1/128", "2001:1::2/128", "2001:1::3/128",
    "2001:3::/32", "2001:20::/28", "2001:30::/28",
}  # fmt: skip
# What we decide beyond those registries: both address spaces as a whole, and multicast.
OURS = {"0.0.0.0/0", "::/0", "2000::/3", "224.0.0.0/4"}


def registry() -> dict[str, str]:
    """Each block, and whether it is globally reachable: true, false or nothing."""
    with DATA.open() as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        # As text, a network of mapped addresses is another one since Python 3.13.
        return {str(ipaddress.ip_network(row["block"])): row["globally_reachable"] for row in rows}


def decisions() -> dict[str, bool]:
    return {str(each.network): each.admitted for each in SPECIAL_NETWORKS}


def test_each_block_of_the_registries_is_decided_about_and_nothing_else() -> None:
    assert len(registry()) == 51
    assert decisions().keys() == registry().keys() | OURS
    assert len(decisions()) == len(SPECIAL_NETWORKS)


def test_only_what_iana_calls_globally_reachable_is_admitted_and_exceptions_are_named() -> None:
    admitted = {block for block, is_admitted in decisions().items() if is_admitted} - OURS
    reachable = {block for block, is_reachable in registry().items() if is_reachable == "true"}

    assert admitted == reachable - REFUSED_THOUGH_REACHABLE
    assert reachable > REFUSED_THOUGH_REACHABLE


def test_each_decision_has_a_reason() -> None:
    assert all(len(each.why) > len("none") for each in SPECIAL_NETWORKS)


@pytest.mark.parametrize("block", sorted(registry()))
def test_both_ends_of_a_block_are_decided_by_it_or_by_a_block_inside(block: str) -> None:
    network = ipaddress.ip_network(block)
    for address in (network[0], network[-1]):
        decided = special_network(address).network
        assert decided.version == network.version
        assert int(decided.network_address) >= int(network.network_address)
        assert int(decided.broadcast_address) <= int(network.broadcast_address)


@pytest.mark.parametrize("address", ["4000::1", "fec0::1", "ff02::1", "::8.8.8.8", "::ffff:0:8.8.8.8", "1::"])
def test_ipv6_outside_of_global_unicast_is_refused(address: str) -> None:
    assert not special_network(ipaddress.ip_address(address)).admitted


@given(st.ip_addresses(v=4))
def test_the_ipv4_address_is_found_wherever_a_prefix_of_rfc_6052_puts_it(inner: ipaddress.IPv4Address) -> None:
    octets = inner.packed
    for length in TRANSLATION_LENGTHS:
        prefix = ipaddress.IPv6Network((0x20010DB8 << 96, length))
        packed, at = bytearray(prefix.network_address.packed), length // 8
        for octet in octets:
            at += at == 8  # the octet that stays zero
            packed[at] = octet
            at += 1
        outer = ipaddress.IPv6Address(bytes(packed))
        assert translated_address(outer, prefix) == inner, length


@pytest.mark.parametrize(
    ("outer", "length", "inner"),
    [  # RFC 6052 §2.4
        ("2001:db8:c000:221::", 32, "192.0.2.33"),
        ("2001:db8:1c0:2:21::", 40, "192.0.2.33"),
        ("2001:db8:122:c000:2:2100::", 48, "192.0.2.33"),
        ("2001:db8:122:3c0:0:221::", 56, "192.0.2.33"),
        ("2001:db8:122:344:c0:2:2100::", 64, "192.0.2.33"),
        ("2001:db8:122:344::192.0.2.33", 96, "192.0.2.33"),
        ("2001:db8:122:344:1c0:2:2100::", 64, None),
    ],
)
def test_the_examples_of_rfc_6052(outer: str, length: int, inner: str | None) -> None:
    prefix = ipaddress.IPv6Network((outer, length), strict=False)

    found = translated_address(ipaddress.IPv6Address(outer), prefix)
    assert (None if found is None else str(found)) == inner


@given(st.ip_addresses(v=6))
def test_what_python_finds_inside_an_address_is_found(outer: ipaddress.IPv6Address) -> None:
    expected = {outer.ipv4_mapped, outer.sixtofour, *(outer.teredo or ())} - {None}
    assert expected <= set(embedded_addresses(outer))


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_teredo_carries_its_server_and_its_client(server: ipaddress.IPv4Address, client: ipaddress.IPv4Address) -> None:
    outer = ipaddress.IPv6Address((0x20010000 << 96) | (int(server) << 64) | (~int(client) & 0xFFFFFFFF))

    assert embedded_addresses(outer) == (server, client)
    assert outer.teredo == (server, client)
