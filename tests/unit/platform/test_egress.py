"""Which addresses checks may reach: the rules, in their order, and the literal addresses in each field."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.specs.dns import DnsSpec
from services.checks.specs.grpc import GrpcSpec
from services.checks.specs.heartbeat import HeartbeatSpec
from services.checks.specs.http import HttpSpec
from services.checks.specs.kinds import KINDS
from services.checks.specs.spec import Spec
from services.checks.specs.tcp import TcpSpec
from services.checks.specs.tls import TlsSpec
from services.checks.tenant_egress import refuse_blocked
from services.platform.egress.own_addresses import REFRESH_S, OwnAddresses, interface_addresses
from services.platform.egress.policy import ALLOW, DENY, TRANSLATION_PREFIXES, EgressPolicy
from services.platform.egress.special_networks import embedded_addresses, special_network
from services.platform.errors import InvalidArgument

NOTHING = EgressPolicy()
NAT64 = 0x64FF9B << 96
IPV4 = st.ip_addresses(v=4)
PUBLIC = IPV4.filter(lambda ip: special_network(ip).admitted)
INNER = st.sampled_from(["10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "192.168.1.1", "0.0.0.0"]).map(  # noqa: S104 — refused, not bound
    ipaddress.IPv4Address
)


def carriers(ip: ipaddress.IPv4Address) -> list[str]:
    """The well-known IPv6 addresses that carry an IPv4 address."""
    number = int(ip)
    every = (
        number,
        (0xFFFF << 32) | number,
        (0xFFFF << 48) | number,
        NAT64 | number,
        (0x2002 << 112) | (number << 80),
        (0x20010000 << 96) | (number << 64),
        (0x20010000 << 96) | (0x08080808 << 64) | (~number & 0xFFFFFFFF),
    )
    return [str(ipaddress.IPv6Address(each)) for each in every]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0",  # noqa: S104 — refused, not bound
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "192.0.0.1",
        "192.0.0.9", "192.88.99.1", "192.52.193.1",
        "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1",
        "fd00:ec2::254", "ff02::1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1",
        "2001:db8::1", "3fff::1", "5f00::1", "100:0:0:1::1", "2001:1::1", "2001:20::1",
        "2606:4700::1111%1", "not an address", "", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.",
        "[::1]", " 8.8.8.8", "8.8.8.8/32", "8.8.8.08",
    ],
)  # fmt: skip
def test_what_is_not_public_is_refused(address: str) -> None:
    assert not NOTHING.admits(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "93.184.216.34", "1.1.1.1", "192.31.196.1", "2606:4700::1111", "2a00:1450::1", "64:ff9b::8.8.8.8"],
)
def test_public_addresses_are_admitted(address: str) -> None:
    assert NOTHING.admits(address)


@given(INNER)
def test_no_inner_ipv4_address_gets_in_by_being_carried_in_an_ipv6_one(ip: ipaddress.IPv4Address) -> None:
    everything_else = EgressPolicy.parse("::/0")

    for carrier in carriers(ip):
        assert not NOTHING.admits(carrier), carrier
        if carrier not in {"::", "::1"}:
            assert not everything_else.admits(carrier), carrier


@given(IPV4)
def test_an_allowed_ipv4_address_allows_no_carrier_but_the_translation_that_is_public(
    ip: ipaddress.IPv4Address,
) -> None:
    policy = EgressPolicy.parse(f"{ip}/32")

    assert policy.admits(str(ip))
    assert [policy.admits(carrier) for carrier in carriers(ip)] == [False, False, False, True, False, False, False]


@given(st.one_of(IPV4, st.ip_addresses(v=6)))
def test_denied_addresses_are_refused_whatever_is_allowed(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    policy = EgressPolicy.parse("0.0.0.0/0, ::/0", f"{ip}/{ip.max_prefixlen}", "::/32, 2000::/96")

    assert policy.refused_by(str(ip)) == DENY


@given(IPV4)
def test_a_denied_ipv4_address_is_denied_in_every_carrier(ip: ipaddress.IPv4Address) -> None:
    policy = EgressPolicy.parse("0.0.0.0/0, ::/0", f"{ip}/32", "2001:db8:64::/96, 64:ff9b:1::/48")
    translated = [f"2001:db8:64::{ip}", str(ipaddress.IPv6Address((0x64FF9B0001 << 80) | in_48(ip)))]

    for carrier in [*carriers(ip), *translated]:
        if embedded_addresses(ipaddress.ip_address(carrier)) or carrier in translated:
            assert policy.refused_by(carrier) == DENY, carrier


@given(st.ip_addresses(v=6))
def test_an_admitted_ipv6_address_carries_only_admitted_ipv4_addresses(ip: ipaddress.IPv6Address) -> None:
    policy = EgressPolicy.parse("::/0", translation_prefixes="2001:db8:64::/96")

    if policy.admits(str(ip)):
        assert all(policy.admits(str(inner)) for inner in embedded_addresses(ip))


def in_48(ip: ipaddress.IPv4Address) -> int:
    """The bits of an IPv4 address behind a prefix of 48 bits."""
    high, low = divmod(int(ip), 1 << 16)
    return (high << 64) | (low << 40)


@given(PUBLIC, INNER)
def test_behind_a_translation_prefix_the_inner_address_decides(
    public: ipaddress.IPv4Address, inner: ipaddress.IPv4Address
) -> None:
    policy = EgressPolicy.parse(translation_prefixes="fd00:64::/96, 64:ff9b:1::/48")

    assert policy.admits(f"fd00:64::{public}")
    assert policy.refused_by(f"fd00:64::{inner}") == ALLOW
    assert policy.admits(str(ipaddress.IPv6Address((0x64FF9B0001 << 80) | in_48(public))))
    assert not policy.admits(str(ipaddress.IPv6Address((0x64FF9B0001 << 80) | in_48(inner))))
    assert EgressPolicy.parse(f"{inner}/32", translation_prefixes="fd00:64::/96").admits(f"fd00:64::{inner}")


def test_of_the_prefix_for_local_translation_somebody_has_to_say_where_the_inner_address_is() -> None:
    assert NOTHING.refused_by("64:ff9b:1::8.8.8.8") == TRANSLATION_PREFIXES
    assert EgressPolicy.parse("64:ff9b:1::/48").refused_by("64:ff9b:1::8.8.8.8") == TRANSLATION_PREFIXES
    assert EgressPolicy.parse(translation_prefixes="64:ff9b:1::/96").admits("64:ff9b:1::8.8.8.8")
    # Bits 64 to 71 are zero in a translated address.
    assert EgressPolicy.parse(translation_prefixes="fd00::/64").refused_by("fd00::ff08:808:800:0:0") is not None


def test_addresses_of_the_machine_are_refused_unless_they_are_allowed() -> None:
    own = {"8.8.8.8", "2606:4700::1111"}
    policy = EgressPolicy.parse(own=lambda: own)
    allowing = EgressPolicy.parse("8.8.8.8/32", own=lambda: own)

    assert [policy.refused_by(each) for each in ("8.8.8.8", "2606:4700::1111", "8.8.4.4")] == [ALLOW, ALLOW, None]
    assert policy.refused_by("64:ff9b::8.8.8.8") == ALLOW
    assert allowing.admits("8.8.8.8")
    own.add("8.8.4.4")
    assert not policy.admits("8.8.4.4")


def test_the_addresses_of_interfaces_are_read_again_after_a_while() -> None:
    now_s = 0.0
    own = OwnAddresses(lambda: now_s)

    first = own()
    assert "127.0.0.1" in first
    assert first == interface_addresses()
    now_s = REFRESH_S - 1
    assert own() is first
    now_s = REFRESH_S
    assert own() is not first


def test_what_the_operator_allows_is_admitted_and_nothing_beside_it() -> None:
    policy = EgressPolicy.parse(" 10.0.0.0/8, 127.0.0.1/32 ,::1/128,")

    assert [policy.admits(ip) for ip in ("10.255.0.1", "127.0.0.1", "::1")] == [True] * 3
    assert [policy.admits(ip) for ip in ("11.0.0.1", "127.0.0.2", "::2")] == [True, False, False]


def test_an_allowance_can_be_limited_to_tenants() -> None:
    policy = EgressPolicy.parse("10.0.0.0/8@acme+shop, 10.9.0.0/16, fd00::/8@acme")

    def admits(address: str) -> list[bool]:
        return [policy.admits(address, tenant) for tenant in ("acme", "shop", "other", "")]

    assert policy.named_tenants == {"acme", "shop"}
    assert admits("10.0.0.1") == [True, True, False, False]
    assert admits("fd00::1") == [True, False, False, False]
    assert admits("10.9.0.1") == [True] * 4
    assert not EgressPolicy.parse("10.0.0.0/8").named_tenants


@pytest.mark.parametrize("part", ["10.0.0.1/8", "localhost", "10.0.0.0/33", "all", "10.0.0.0/8@", "10.0.0.0/8@a++b"])
def test_what_is_no_allowance_is_named_with_its_setting(part: str) -> None:
    with pytest.raises(ValueError, match=f"^{ALLOW}: .*{part.replace('+', '.')}"):
        EgressPolicy.parse(f"127.0.0.1/32,{part}")


@pytest.mark.parametrize("part", ["10.0.0.0/8@acme", "::/129"])
def test_what_cannot_be_denied_is_named_with_its_setting(part: str) -> None:
    with pytest.raises(ValueError, match=f"^{DENY}: .*{part}"):
        EgressPolicy.parse(deny=part)


@pytest.mark.parametrize("part", ["10.0.0.0/8", "fd00::/95", "fd00::/128", "64:ff9b::"])
def test_what_is_no_translation_prefix_is_named_with_its_setting(part: str) -> None:
    with pytest.raises(ValueError, match=f"^{TRANSLATION_PREFIXES}: .*{part}"):
        EgressPolicy.parse(translation_prefixes=part)


def specs_of(host: str) -> list[tuple[Spec, str]]:
    """A check of each kind that dials a host, and the field that names it."""
    bracketed = f"[{host}]" if ":" in host else host
    return [
        (HttpSpec(url=f"http://{bracketed}/"), "check.http.url"),
        (HttpSpec(url=f"HTTPS://{bracketed}:8443/x?y#z"), "check.http.url"),
        (TcpSpec(host, 80), "check.tcp.host"),
        (TlsSpec(host=host, port=443), "check.tls.host"),
        (GrpcSpec(address=f"{bracketed}:443"), "check.grpc.address"),
        (DnsSpec("acme.test", "A", server=host), "check.dns.server"),
        (DnsSpec("acme.test", "A", server=f"{bracketed}:53"), "check.dns.server"),
    ]


def save(spec: Spec) -> None:
    """What monitor asks before it saves a check."""
    spec.validate(f"check.{spec.KIND}")
    refuse_blocked(NOTHING, spec, f"check.{spec.KIND}")


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:10.0.0.1", "FE80::1", "0:0:0:0:0:0:0:1"])
def test_a_literal_address_that_is_refused_is_refused_in_every_field_that_takes_a_host(host: str) -> None:
    for spec, field in specs_of(host):
        spec.validate(f"check.{spec.KIND}")
        with pytest.raises(InvalidArgument, match=ALLOW) as caught:
            refuse_blocked(NOTHING, spec, f"check.{spec.KIND}")
        assert caught.value.reason == reasons.ERROR_REASON_TARGET_BLOCKED
        assert [each.field for each in caught.value.violations] == [field]


def test_every_kind_that_asks_a_target_says_which_host_it_dials() -> None:
    asked = {type(spec) for spec, _ in specs_of("8.8.8.8") if spec.dialled_hosts}

    assert asked == {kind for kind in KINDS.values() if kind.CONTACTS_TARGET}
    assert HeartbeatSpec().dialled_hosts == {}
    assert DnsSpec("acme.test", "A").dialled_hosts == {}


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700::1111", "shop.test", "localhost", "8.8.8.8.test"])
def test_public_addresses_and_names_are_saved(host: str) -> None:
    for spec, _ in specs_of(host):
        save(spec)


@pytest.mark.parametrize(
    "host",
    [
        "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "127.1.",
        "127.0.0.01", "0x7f.0.0.0x1", "a.0x1", "１２７.0.0.1",  # noqa: RUF001 — full-width digits are what is tested
    ],
)  # fmt: skip
def test_other_spellings_of_an_address_are_refused_in_every_field(host: str) -> None:
    for spec, field in specs_of(host):
        with pytest.raises(InvalidArgument) as caught:
            spec.validate(f"check.{spec.KIND}")
        assert [each.field for each in caught.value.violations] == [field]


@pytest.mark.parametrize("host", ["fe80::1%eth0", "fe80::1%25eth0", "::1%lo"])
def test_an_address_with_a_zone_is_refused_in_every_field(host: str) -> None:
    for spec, _ in specs_of(host):
        with pytest.raises(InvalidArgument):
            save(spec)


def test_the_message_names_the_setting_and_no_address() -> None:
    policy = EgressPolicy.parse(deny="8.8.8.8/32")

    with pytest.raises(InvalidArgument) as caught:
        refuse_blocked(policy, TcpSpec("8.8.8.8", 53), "check.tcp")
    assert DENY in caught.value.message
    assert "8.8.8.8" not in caught.value.message
