"""DNS checks against real name servers: records of each type, what is expected of them, and who is asked."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from dnslib import DNSRecord

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.dns import DnsSpec
from services.platform.egress.policy import EgressPolicy
from services.wire import dns_datagrams
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.worker.probe import Prober
from tests.integration.worker.conftest import LOOPBACK
from tests.integration.worker.deadlines import FEW_TURNS, Deadlines
from tests.integration.worker.probing import run, verdict
from tests.support.hand_clock import HandClock
from tests.support.name_server import serving
from tests.support.ports import closed_port
from tests.support.public_tls import public_tls
from tests.support.zones import Rogue, Zone, open_sockets

UP = (Outcome.UP, None)
RECORDS = {
    "A": ("192.0.2.1", "192.0.2.2"),
    "AAAA": ("2001:db8::1",),
    "CAA": ('0 issue "ca.test"',),
    "CNAME": ("Shop.acme.test.",),
    "MX": ("10 mail.acme.test.", "20 mail2.acme.test."),
    "NS": ("ns1.acme.test.", "ns2.acme.test."),
    "PTR": ("host.acme.test.",),
    "SOA": ("ns1.acme.test. root.acme.test. 1 2 3 4 5",),
    "SRV": ("1 2 5060 sip.acme.test.",),
    "TXT": ('"v=spf1 -all"', '"' + "k" * 200 + '" "' + "l" * 200 + '"'),
}


def zone(type_: str, name: str = "acme.test.") -> Zone:
    return Zone(*(f"{name} 60 {type_} {data}" for data in RECORDS[type_]))


@pytest.mark.parametrize("type_", RECORDS)
async def test_the_records_of_each_type_are_compared_in_any_order(prober: Prober, type_: str) -> None:
    async with serving(zone(type_)) as server:
        any_will_do = await run(prober, DnsSpec("acme.test", type_, server=server))
        these = await run(prober, DnsSpec("ACME.test.", type_, tuple(reversed(RECORDS[type_])), server))

    assert [verdict(each) for each in (any_will_do, these)] == [UP, UP]


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("A", ("192.0.2.1",)),
        ("AAAA", ("2001:db8::2",)),
        ("MX", RECORDS["MX"][:1]),
        ("MX", (*RECORDS["MX"], "30 mail3.acme.test.")),
        ("MX", ("11 mail.acme.test.", "20 mail2.acme.test.")),
        ("TXT", ("v=spf1 -all",)),
        ("CAA", ('128 issue "ca.test"',)),
    ],
)
async def test_other_records_are_an_assertion_that_shows_both(
    prober: Prober, type_: str, expected: tuple[str, ...]
) -> None:
    async with serving(zone(type_)) as server:
        seen = await run(prober, DnsSpec("acme.test", type_, expected, server))

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.ASSERTION)
    assert seen.error_message.startswith(f"expected {expected[0]}")
    assert f"got {min(RECORDS[type_])[:20]}" in seen.error_message
    assert len(seen.error_message) <= 256


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("AAAA", ("2001:DB8:0:0::1",)),
        ("CAA", ('0 ISSUE "ca.test"',)),
        ("CNAME", ("shop.ACME.test",)),
        ("SRV", ("1 2 5060 SIP.acme.test",)),
        ("TXT", ("v=spf1 -all", "k" * 200 + "l" * 200)),
    ],
)
async def test_what_says_the_same_is_the_same(prober: Prober, type_: str, expected: tuple[str, ...]) -> None:
    async with serving(zone(type_)) as server:
        assert verdict(await run(prober, DnsSpec("acme.test", type_, expected, server))) == UP


async def test_aliases_are_followed_to_what_is_asked_for(prober: Prober) -> None:
    lines = ("www.test. 60 CNAME a.cdn.test.", "a.cdn.test. 60 CNAME b.cdn.test.", "b.cdn.test. 60 A 192.0.2.9")
    async with serving(Zone(*lines)) as server:
        address = await run(prober, DnsSpec("www.test", "A", ("192.0.2.9",), server))
        alias = await run(prober, DnsSpec("www.test", "CNAME", ("a.cdn.test.",), server))
    async with serving(Zone(lines[0])) as server:
        nowhere = await run(prober, DnsSpec("www.test", "A", server=server))

    assert [verdict(address), verdict(alias)] == [UP, UP]
    assert verdict(nowhere) == (Outcome.DOWN, ErrorKind.DNS)
    assert "a.cdn.test." in nowhere.error_message


@pytest.mark.parametrize(
    ("rcode", "said"),
    [
        ("NXDOMAIN", "name does not exist"),
        ("SERVFAIL", "DNS server failed"),
        ("REFUSED", "DNS server refused the query"),
        ("NOTIMP", "DNS server responded with NOTIMP"),
        ("FORMERR", "DNS server responded with FORMERR"),
    ],
)
async def test_an_error_of_the_name_server_is_dns_and_says_which(prober: Prober, rcode: str, said: str) -> None:
    async with serving(Zone(rcode=rcode)) as server:
        seen = await run(prober, DnsSpec("acme.test", "A", server=server))

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.DNS)
    assert said in seen.error_message


async def test_no_record_of_the_type_is_dns_and_says_so(prober: Prober) -> None:
    async with serving(zone("A")) as server:
        seen = await run(prober, DnsSpec("acme.test", "MX", server=server))

    assert (verdict(seen), seen.error_message) == ((Outcome.DOWN, ErrorKind.DNS), "name has no MX record")


async def test_the_address_of_a_ptr_check_is_asked_for_by_its_reverse_name(prober: Prober) -> None:
    async with serving(zone("PTR", "1.2.0.192.in-addr.arpa.")) as server:
        seen = await run(prober, DnsSpec("192.0.2.1", "PTR", ("host.acme.test",), server))

    assert verdict(seen) == UP


async def test_a_question_over_udp_has_one_phase_and_one_over_tcp_three(prober: Prober) -> None:
    async with serving(zone("A")) as server:
        by_udp = await run(prober, DnsSpec("acme.test", "A", server=server))
    async with serving(Zone("acme.test. 60 A 192.0.2.1", only_tcp=True)) as server:
        by_tcp = await run(prober, DnsSpec("acme.test", "A", ("192.0.2.1",), server))

    assert (verdict(by_udp), by_udp.resolved_ip) == (UP, "127.0.0.1")
    assert by_udp.ttfb_us is not None
    assert (by_udp.dns_us, by_udp.connect_us, by_udp.transfer_us) == (None, None, None)
    assert verdict(by_tcp) == UP
    assert None not in {by_tcp.connect_us, by_tcp.ttfb_us, by_tcp.transfer_us}


async def test_a_long_answer_comes_whole_by_tcp(prober: Prober) -> None:
    many = tuple(f"192.0.2.{number}" for number in range(200))
    async with serving(Zone(*(f"acme.test. 60 A {each}" for each in many), only_tcp=True)) as server:
        all_of_them = await run(prober, DnsSpec("acme.test", "A", many, server))
        one_less = await run(prober, DnsSpec("acme.test", "A", many[1:], server))

    assert verdict(all_of_them) == UP
    assert verdict(one_less) == (Outcome.DOWN, ErrorKind.ASSERTION)


async def test_questions_have_numbers_and_ports_at_random_and_say_what_fits(prober: Prober) -> None:
    server, ports = zone("A"), set()
    received = server.datagram_received

    def noting(data: bytes, addr: tuple[str, int]) -> None:
        ports.add(addr[1])
        received(data, addr)

    server.datagram_received = noting  # type: ignore[method-assign] # the server is the test's own
    async with serving(server) as address:
        for _ in range(20):
            assert verdict(await run(prober, DnsSpec("acme.test", "A", server=address))) == UP

    assert min(len({each.header.id for each in server.seen}), len(ports)) >= 18
    assert {each.ar[0].edns_len for each in server.seen} == {1232}


async def test_a_lost_question_is_asked_again_and_timed_from_the_first_time(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock()
    clock.rules(monkeypatch, dns_datagrams)
    server = zone("A")
    lost: list[bytes] = []
    received = server.datagram_received

    def losing(data: bytes, addr: tuple[str, int]) -> None:
        if lost:
            received(data, addr)
        lost.append(data)
        clock.now_ns += 7_000_000

    server.datagram_received = losing  # type: ignore[method-assign] # as above
    async with serving(server) as address:
        seen = await run(prober, DnsSpec("acme.test", "A", server=address))

    assert (verdict(seen), seen.attempt, len(lost)) == (UP, 1, 2)
    assert seen.ttfb_us == 14_000


async def test_a_server_that_does_not_understand_edns_is_asked_without(prober: Prober) -> None:
    inner = zone("A")

    def old(data: bytes) -> list[bytes]:
        if DNSRecord.parse(data).ar:
            return [data[:2] + b"\x81\x01" + bytes(8)]  # FORMERR, and not even the question
        return [inner.reply(data)]

    async with serving(Rogue(old)) as address:
        assert verdict(await run(prober, DnsSpec("acme.test", "A", RECORDS["A"], address))) == UP


# Who is asked


@asynccontextmanager
async def asking(*addresses: str, egress: EgressPolicy | None = None) -> AsyncIterator[Prober]:
    """A prober whose own name servers these are; it may reach nothing else by default."""
    resolver = Resolver(addresses)
    yield Prober(Network(resolver, egress or EgressPolicy(), public_tls()), worker_id="worker-1")
    await resolver.close()


@pytest.mark.parametrize("only_tcp", [False, True])
async def test_our_own_name_servers_are_asked_and_not_shown(only_tcp: bool) -> None:
    async with serving(Zone("acme.test. 60 A 192.0.2.1", only_tcp=only_tcp)) as server, asking(server) as prober:
        seen = await run(prober, DnsSpec("acme.test", "A", ("192.0.2.1",)))

    assert (verdict(seen), seen.resolved_ip, seen.connect_us) == (UP, None, None)
    assert seen.ttfb_us is not None


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
async def test_where_one_of_ours_does_not_know_the_next_is_asked(rcode: str) -> None:
    async with serving(Zone(rcode=rcode)) as first, serving(zone("A")) as second, asking(first, second) as prober:
        assert verdict(await run(prober, DnsSpec("acme.test", "A", RECORDS["A"]))) == UP


async def test_that_none_of_ours_can_be_reached_is_our_own_trouble() -> None:
    async with asking(closed_address(), closed_address()) as prober:
        seen = await run(prober, DnsSpec("acme.test", "A"))

    assert verdict(seen) == (Outcome.ERROR, ErrorKind.INTERNAL)
    assert "could not reach a DNS resolver" in seen.error_message


async def test_where_one_of_ours_cannot_be_reached_the_next_is_asked_without_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dns_datagrams, "_FIRST_WAIT_S", 3_600)
    async with serving(zone("A")) as server, asking(closed_address(), server) as prober:
        seen = await run(prober, DnsSpec("acme.test", "A"))

    assert verdict(seen) == UP


async def test_a_server_where_nobody_listens_refuses_the_connection(prober: Prober) -> None:
    seen = await run(prober, DnsSpec("acme.test", "A", server=closed_address()))

    assert (verdict(seen), seen.resolved_ip) == ((Outcome.DOWN, ErrorKind.CONNECT_REFUSED), "127.0.0.1")


@pytest.mark.parametrize("server", ["127.0.0.1", "169.254.169.254:53", "[::1]:53", "localhost"])
async def test_a_server_inside_is_blocked(resolver: Resolver, server: str) -> None:
    seen = await run(
        Prober(Network(resolver, EgressPolicy(), public_tls()), worker_id="worker-1"),
        DnsSpec("acme.test", "A", server=server),
    )

    assert (verdict(seen), seen.resolved_ip) == ((Outcome.ERROR, ErrorKind.BLOCKED_TARGET), None)


async def test_a_server_is_found_by_its_name(prober: Prober) -> None:
    async with serving(zone("A")) as address:
        seen = await run(prober, DnsSpec("acme.test", "A", server=f"localhost:{address.rpartition(':')[2]}"))

    assert (verdict(seen), seen.resolved_ip) == (UP, "127.0.0.1")
    assert seen.dns_us is not None


@pytest.mark.parametrize(
    ("chosen", "outcome"),
    [(True, (Outcome.DOWN, ErrorKind.TIMEOUT)), (False, (Outcome.ERROR, ErrorKind.INTERNAL))],
)
async def test_silence_ends_at_the_deadline_with_nothing_left_open(
    deadlines: Deadlines, chosen: bool, outcome: tuple[Outcome, ErrorKind]
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        async with asking(address, egress=LOOPBACK) as prober:
            before = open_sockets()
            seen = await run(prober, DnsSpec("acme.test", "A", server=address if chosen else ""), timeout_s=0.2)

            assert verdict(seen) == outcome
            assert (deadlines.set_s, deadlines.passed) == ([0.2], 1)
            assert deadlines.turns <= FEW_TURNS
            assert open_sockets() == before


def closed_address() -> str:
    """Where nobody listens."""
    return f"127.0.0.1:{closed_port()}"
