"""Where a call came from: believed only from who can know."""

import pytest

from services.platform.security.origin import origin_of, parse_networks

PROXIES = parse_networks("10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("unix:", "192.0.2.7", "192.0.2.7"),
        ("unix:/run/auth.sock", "203.0.113.9, 192.0.2.7", "192.0.2.7"),  # anybody can send what is to the left
        ("unix:", "203.0.113.9, 192.0.2.7, 10.0.0.1, fd00::2", "192.0.2.7"),  # behind two trusted proxies
        ("unix:", "10.0.0.1", "10.0.0.1"),  # a trusted proxy that calls for itself
        ("unix:", "192.0.2.7, junk, 10.0.0.1", "10.0.0.1"),
        ("unix:", "192.0.2.7, ::ffff:10.0.0.1", "192.0.2.7"),
        ("ipv4:10.1.2.3:5000", "203.0.113.9, 192.0.2.7, 10.0.0.1", "192.0.2.7"),
        ("ipv4:10.1.2.3:5000", ", ".join(["192.0.2.7", *["10.0.0.1"] * 60]), "10.0.0.1"),
        ("unix:", "", ""),
        ("unix:", "not an address", ""),
        ("unix:", "::ffff:192.0.2.7", "192.0.2.7"),
        ("unix:", "2001:DB8::1", "2001:db8::1"),
        ("ipv4:198.51.100.4:5000", "192.0.2.7", "198.51.100.4"),  # went around Envoy: its word does not count
        ("ipv4:10.1.2.3:5000", "192.0.2.7", "192.0.2.7"),
        ("ipv4:10.1.2.3:5000", "", "10.1.2.3"),
        ("ipv6:%5B2001:db8::5%5D:5000", "192.0.2.7", "2001:db8::5"),
        ("ipv6:%5Bfd00::1%5D:5000", "192.0.2.7", "192.0.2.7"),
        ("ipv6:%5Bfe80::1%25eth0%5D:5000", "", "fe80::1"),
    ],
)
def test_the_address_is_what_a_trusted_peer_saw_or_the_peer_itself(peer: str, forwarded: str, address: str) -> None:
    assert origin_of(peer, {"x-forwarded-for": forwarded}, "id", PROXIES).address == address


def test_what_a_client_calls_itself_is_printable_and_short() -> None:
    origin = origin_of("unix:", {"user-agent": "curl/8\x1b[31m\r\n" + "x" * 500}, "id", ())

    assert origin.client.startswith("curl/8[31mxxx")
    assert len(origin.client) == 200


@pytest.mark.parametrize("text", ["10.0.0.0/33", "nonsense", "10.0.0.1/8"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_networks(text)
