"""Which name server is asked, for how long, and whose fault it is that there is no address."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from dnslib import QTYPE, RR, DNSRecord

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.dns import DnsSpec
from services.platform.egress.policy import EgressPolicy
from services.wire import address_lookup, dns_exchange, name_servers
from services.wire.hosts_file import HostsFile
from services.wire.name_servers import NameServers
from services.wire.network import Network
from services.wire.resolver import NoNameServer, ResolutionError, Resolver
from services.worker import probe as worker_probe
from services.worker.probe import Prober
from tests.integration.worker.conftest import LOOPBACK
from tests.integration.worker.deadlines import PatientDeadline
from tests.integration.worker.probing import PLENTY_S, probe, run, verdict
from tests.support.name_server import NameServer, serving
from tests.support.ports import closed_port, udp_and_tcp
from tests.support.public_tls import public_tls
from tests.support.targets import Echo, target
from tests.support.zones import Misbehaviour, Rogue, Zone, open_sockets

UP = (Outcome.UP, None)
DNS = (Outcome.DOWN, ErrorKind.DNS)
OURS = (Outcome.ERROR, ErrorKind.INTERNAL)
HERE = "shop.test. 60 A 127.0.0.1"
FOR_EVER_S = 3_600.0
ALIASES = [("shop", "a0"), *((f"a{number}", f"a{number + 1}") for number in range(8)), ("a8", "last")]


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits are a small part of what they are; a server has time to answer a health check on a busy machine."""
    for module, name, wait_s in (
        (address_lookup, "_FIRST_WAIT_S", 0.02),
        (address_lookup, "_LONGEST_WAIT_S", 0.02),
        (address_lookup, "HEALTH_CHECK_AFTER_S", 0.005),
        (dns_exchange, "HEALTH_CHECK_AFTER_S", 0.005),
        (name_servers, "HEALTH_TIMEOUT_S", 1.0),
    ):
        monkeypatch.setattr(module, name, wait_s)
    monkeypatch.setattr(worker_probe, "Deadline", PatientDeadline)


def closed() -> str:
    return f"127.0.0.1:{closed_port()}"


def asked_for(data: bytes) -> tuple[str, str]:
    question = DNSRecord.parse(data).q
    return str(question.qname).rstrip("."), QTYPE[question.qtype]


def from_zone(*records: str) -> Misbehaviour:
    """What a server that behaves sends."""
    zone = Zone(*records)
    return lambda data: [zone.reply(data)]


class Counting(Rogue):
    """Sends the responses of a test, and counts the queries that are not health checks.

    Attributes:
        asked: names and types in their order.
    """

    def __init__(self, by_udp: Misbehaviour, by_tcp: Misbehaviour | None = None) -> None:
        super().__init__(by_udp, by_tcp)
        self.asked: list[tuple[str, str]] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Count, and misbehave."""
        question = asked_for(data)
        if question[0]:
            self.asked.append(question)
        super().datagram_received(data, addr)


def silent() -> Counting:
    return Counting(lambda _: [])


def silent_about_the_name(data: bytes) -> list[bytes]:
    """What a server sends that cannot reach the servers of the zone: nothing, but it is there."""
    return [] if asked_for(data)[0] else [DNSRecord.parse(data).reply().pack()]


async def until(happened: Callable[[], bool]) -> None:
    """Let the loop go on until something happened; a test's own limit ends it."""
    while not happened():  # noqa: ASYNC110 — what is awaited is a datagram of the code under test
        await asyncio.sleep(0.001)


@asynccontextmanager
async def asking(*servers: NameServer | str) -> AsyncIterator[Resolver]:
    """A resolver whose name servers these are."""
    async with AsyncExitStack() as stack:
        addresses = [
            each if isinstance(each, str) else await stack.enter_async_context(serving(each)) for each in servers
        ]
        resolver = Resolver(addresses)
        try:
            yield resolver
        finally:
            await resolver.close()


async def seen_by(
    resolver: Resolver, host: str = "shop.test", timeout_s: float = PLENTY_S
) -> tuple[Outcome, ErrorKind | None]:
    """The verdict of an HTTP check of a server on loopback, found by its name."""
    async with target(Echo()) as port:
        prober = Prober(Network(resolver, LOOPBACK, public_tls()), worker_id="worker-1")
        return verdict(await probe(prober, f"http://{host}:{port}/", timeout_s=timeout_s))


# How long


@pytest.mark.parametrize("unheard", [5, 20])
async def test_a_name_is_asked_for_until_it_is_known_or_the_time_is_over(unheard: int) -> None:
    """Quick answers before do not shorten the wait, and no number of questions ends it."""
    known = from_zone("warm.test. 60 A 127.0.0.1", "cold.test. 60 A 127.0.0.1")
    heard: list[bytes] = []

    def slow(data: bytes) -> Sequence[bytes]:
        if asked_for(data)[0] == "cold.test":
            heard.append(data)
        return [] if asked_for(data)[0] == "cold.test" and len(heard) <= unheard else known(data)

    async with asking(Rogue(slow)) as resolver:
        for _ in range(6):
            assert await resolver.resolve("warm.test", anew=True) == ("127.0.0.1",)
        assert await seen_by(resolver, "cold.test") == UP


async def test_an_answer_to_the_first_question_is_heard_however_late_it_comes() -> None:
    known = from_zone(HERE)
    first: dict[str, bytes] = {}

    def late(data: bytes) -> Sequence[bytes]:
        """Answers what was asked first when it is asked for the fourth time."""
        kind = asked_for(data)[1]
        count[kind] = count.get(kind, 0) + 1
        return known(first.setdefault(kind, data)) if count[kind] == 4 else []

    count: dict[str, int] = {}
    async with asking(Rogue(late)) as resolver:
        assert await resolver.resolve("shop.test") == ("127.0.0.1",)


async def test_a_look_up_ends_with_the_last_who_waits_for_it() -> None:
    async with asking(Rogue(silent_about_the_name)) as resolver:
        before = open_sockets()
        waiting = [asyncio.create_task(resolver.resolve("shop.test")) for _ in range(3)]
        await asyncio.sleep(0)
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        again = asyncio.create_task(resolver.resolve("shop.test"))
        await asyncio.sleep(0)
        assert not again.done()
        again.cancel()
        await asyncio.wait((again,))
        await resolver.close()
        assert open_sockets() == before


# Whose fault


def garbage_to_the_question(data: bytes) -> list[bytes]:
    """The right number and the right question, and then records that break off."""
    return [data[:2] + b"\x81\x80\0\1\0\3\0\0\0\0" + data[12 : data.index(b"\0", 12) + 5] + b"\xc0\x0c\0\1"]


def of_another_number(data: bytes) -> list[bytes]:
    return [bytes((data[0] ^ 0xFF,)) + Zone(HERE).reply(data)[1:]]


def in_a_circle(data: bytes) -> list[bytes]:
    question = DNSRecord.parse(data)
    reply = question.reply()
    if str(question.q.qname) != ".":
        reply.add_answer(*RR.fromZone("shop.test. 60 CNAME a.test.\na.test. 60 CNAME shop.test."))
    return [reply.pack()]


@pytest.mark.parametrize(
    ("servers", "expected"),
    [
        pytest.param(lambda: [silent()], OURS, id="silent"),
        pytest.param(lambda: [silent(), silent()], OURS, id="all silent"),
        pytest.param(lambda: [closed(), closed()], OURS, id="all closed"),
        pytest.param(lambda: [closed(), silent()], OURS, id="closed and silent"),
        pytest.param(lambda: [Rogue(of_another_number)], OURS, id="answers of other numbers only"),
        pytest.param(lambda: [Rogue(silent_about_the_name)], DNS, id="silent about the name"),
        pytest.param(lambda: [silent(), Rogue(silent_about_the_name)], DNS, id="dead, and silent about the name"),
        pytest.param(lambda: [Zone(rcode="SERVFAIL")], DNS, id="SERVFAIL"),
        pytest.param(lambda: [Zone(rcode="REFUSED"), closed()], DNS, id="REFUSED and closed"),
        pytest.param(lambda: [silent(), Zone(rcode="SERVFAIL")], DNS, id="dead, and SERVFAIL"),
        pytest.param(lambda: [Rogue(garbage_to_the_question)], DNS, id="garbage"),
        pytest.param(lambda: [Rogue(in_a_circle)], DNS, id="aliases in a circle"),
        pytest.param(lambda: [Zone("other.test. 60 A 127.0.0.1")], DNS, id="NXDOMAIN"),
        pytest.param(lambda: [Zone("shop.test. 60 MX 1 a.test.")], DNS, id="NODATA"),
        pytest.param(lambda: [Zone("shop.test. 60 CNAME a.test.")], DNS, id="alias that leads nowhere"),
        pytest.param(lambda: [Zone(HERE)], UP, id="fine"),
        pytest.param(lambda: [closed(), Zone(HERE)], UP, id="closed, fine"),
        pytest.param(lambda: [silent(), Zone(HERE)], UP, id="dead, fine"),
        pytest.param(lambda: [Zone(rcode="SERVFAIL"), Zone(HERE)], UP, id="SERVFAIL, fine"),
        pytest.param(lambda: [Zone(rcode="NOTIMP"), Zone(HERE)], UP, id="NOTIMP, fine"),
        pytest.param(lambda: [Rogue(garbage_to_the_question), Zone(HERE)], UP, id="garbage, fine"),
        pytest.param(lambda: [Rogue(silent_about_the_name), Zone(HERE)], UP, id="silent about the name, fine"),
        pytest.param(lambda: [Rogue(of_another_number), Zone(HERE)], UP, id="other numbers, fine"),
        pytest.param(
            lambda: [Zone(*(f"{a}.test. 60 CNAME {b}.test." for a, b in ALIASES), "last.test. 60 A 127.0.0.1")],
            UP,
            id="ten aliases",
        ),
    ],
)
async def test_whose_fault_it_is(
    servers: "Callable[[], list[NameServer | str]]", expected: tuple[Outcome, ErrorKind | None]
) -> None:
    async with asking(*servers()) as resolver:
        # Silence takes as long as the deadline; what is heard meanwhile needs some time on a busy machine.
        timeout_s = 0.3 if expected == OURS else 2.0 if expected == DNS else PLENTY_S
        assert await seen_by(resolver, timeout_s=timeout_s) == expected


@pytest.mark.parametrize(
    ("server", "expected"), [(silent, OURS), (lambda: Rogue(silent_about_the_name), DNS)], ids=["dead", "alive"]
)
async def test_a_dns_check_of_our_own_servers_knows_a_dead_server_from_a_dead_zone(
    server: Callable[[], NameServer], expected: tuple[Outcome, ErrorKind | None]
) -> None:
    async with asking(server()) as resolver:
        prober = Prober(Network(resolver, EgressPolicy(), public_tls()), worker_id="worker-1")
        timeout_s = 0.3 if expected == OURS else 2.0
        assert verdict(await run(prober, DnsSpec("shop.test", "A"), timeout_s=timeout_s)) == expected


# Which server


async def test_a_server_that_cannot_be_reached_costs_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_lookup, "_FIRST_WAIT_S", FOR_EVER_S)
    async with asking(closed(), Zone(rcode="REFUSED"), Zone(HERE)) as resolver:
        assert await resolver.resolve("shop.test") == ("127.0.0.1",)


async def test_servers_are_asked_in_order_and_a_dead_one_last_until_it_is_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = from_zone(HERE)
    is_dead = True
    first = Counting(lambda data: [] if is_dead else known(data))
    second = Counting(known)
    async with asking(first, second) as resolver:
        names = resolver.names
        configured = names.in_order()
        assert await resolver.resolve("shop.test") == ("127.0.0.1",)
        await until(lambda: names.is_dead(configured[0]))
        asked = len(first.asked)
        for _ in range(3):
            assert await resolver.resolve("shop.test", anew=True) == ("127.0.0.1",)
        assert (len(first.asked), names.in_order()) == (asked, configured[::-1])

        is_dead = False
        monkeypatch.setattr(name_servers, "_HEALTH_INTERVAL_S", 0.0)
        await until(lambda: names.in_order() == configured)
        asked = len(second.asked)
        assert await resolver.resolve("shop.test", anew=True) == ("127.0.0.1",)
        assert (len(second.asked), names.in_order()) == (asked, configured)


async def test_a_server_whose_zone_is_slow_is_not_dead() -> None:
    async with asking(Rogue(silent_about_the_name)) as resolver:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver.resolve("shop.test"), 1.0)
        assert not resolver.names.is_dead(resolver.names.in_order()[0])


async def test_a_server_that_fails_is_asked_once_more() -> None:
    known = from_zone(HERE)
    failed: set[str] = set()

    def once(data: bytes) -> Sequence[bytes]:
        kind = asked_for(data)[1]
        if kind in failed:
            return known(data)
        failed.add(kind)
        return [Zone(rcode="SERVFAIL").reply(data)]

    async with asking(Rogue(once)) as resolver:
        assert await resolver.resolve("shop.test") == ("127.0.0.1",)


# Two questions


def only(kind: str, other: Misbehaviour) -> Misbehaviour:
    known = from_zone("shop.test. 60 A 127.0.0.1", "shop.test. 60 AAAA ::1")
    return lambda data: known(data) if asked_for(data)[1] == kind or not asked_for(data)[0] else other(data)


@pytest.mark.parametrize(
    "other",
    [
        lambda _: [],
        garbage_to_the_question,
        lambda data: [Zone(rcode="SERVFAIL").reply(data)],
        lambda data: [Zone(rcode="NOTIMP").reply(data)],
        lambda data: [Zone("other.test. 60 A 127.0.0.1").reply(data)],
        of_another_number,
    ],
    ids=["silent", "garbage", "SERVFAIL", "NOTIMP", "NXDOMAIN", "another number"],
)
@pytest.mark.parametrize(("kind", "address"), [("A", "127.0.0.1"), ("AAAA", "::1")])
async def test_one_family_is_enough(kind: str, address: str, other: Misbehaviour) -> None:
    async with asking(Rogue(only(kind, other))) as resolver:
        assert await resolver.resolve("shop.test") == (address,)


async def test_what_came_of_one_family_only_is_not_remembered_for_long() -> None:
    now_s = 1_000.0
    server = Counting(only("A", lambda _: []))
    async with serving(server) as address:
        resolver = Resolver((address,), lambda: now_s)
        await resolver.resolve("shop.test")
        asked = len(server.asked)
        now_s += 2.01
        await resolver.resolve("shop.test")
        await resolver.close()

    assert len(server.asked) > asked


async def test_no_such_name_is_an_answer_though_the_other_question_is_not_answered() -> None:
    nothing = from_zone("other.test. 60 A 127.0.0.1")
    async with asking(Rogue(lambda data: [] if asked_for(data)[1] == "AAAA" else nothing(data))) as resolver:
        with pytest.raises(ResolutionError, match="has no IP address"):
            await resolver.resolve("shop.test")


# By TCP, and without EDNS


def cut_off(data: bytes) -> list[bytes]:
    reply = DNSRecord.parse(data).reply()
    reply.header.tc = int(bool(asked_for(data)[0]))
    return [reply.pack()]


@pytest.mark.parametrize(
    "by_tcp", [lambda _: [], garbage_to_the_question, cut_off], ids=["silent", "garbage", "cut off again"]
)
async def test_where_tcp_leads_nowhere_the_next_server_is_asked(by_tcp: Misbehaviour) -> None:
    async with asking(Rogue(cut_off, by_tcp), Zone(HERE)) as resolver:
        assert await seen_by(resolver) == UP


async def test_that_a_server_does_not_take_tcp_is_our_own_trouble() -> None:
    loop = asyncio.get_running_loop()
    for_udp, nobody = udp_and_tcp()  # bound, and does not listen: nobody else's server takes the port
    transport, _ = await loop.create_datagram_endpoint(lambda: Rogue(cut_off), sock=for_udp)
    resolver = Resolver((f"127.0.0.1:{nobody.getsockname()[1]}",))
    try:
        with nobody, pytest.raises(NoNameServer, match="over TCP"):
            await resolver.resolve("shop.test")
    finally:
        await resolver.close()
        transport.close()


async def test_a_server_that_does_not_understand_edns_is_asked_without() -> None:
    known = from_zone(HERE)

    def old(data: bytes) -> Sequence[bytes]:
        return [data[:2] + b"\x81\x01" + bytes(8)] if DNSRecord.parse(data).ar else known(data)

    async with asking(Rogue(old)) as resolver:
        assert await resolver.resolve("shop.test") == ("127.0.0.1",)


async def test_a_server_that_drops_edns_is_asked_without() -> None:
    known = from_zone(HERE)
    async with asking(Rogue(lambda data: [] if DNSRecord.parse(data).ar else known(data))) as resolver:
        assert await resolver.resolve("shop.test") == ("127.0.0.1",)


# This machine's own


@pytest.fixture
def in_a_domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is in a domain with a wildcard."""
    monkeypatch.setenv("LOCALDOMAIN", "corp.test")
    monkeypatch.setenv("RES_OPTIONS", "ndots:5")


@pytest.mark.usefixtures("in_a_domain")
@pytest.mark.parametrize("host", ["gone.example", "intranet", "gone.example."])
async def test_no_search_domain_is_tried(host: str) -> None:
    server = NameServer(lambda name, _: [("127.0.0.1", 60)] if name.endswith("corp.test") else None)
    async with asking(server) as resolver:
        with pytest.raises(ResolutionError, match="has no IP address"):
            await resolver.resolve(host)

    assert set(server.questions) == {(host.rstrip("."), "A"), (host.rstrip("."), "AAAA")}


async def test_the_systems_servers_are_read_again_when_they_change(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("search corp.test\noptions ndots:5\nnameserver 192.0.2.1\nnameserver junk\nnameserver fe80::1%lo\n")
    names = NameServers(resolv_conf=path)
    assert [each.address for each in names.in_order()] == ["192.0.2.1", "fe80::1%lo"]
    path.write_text("# nobody\n")
    assert [tuple(each) for each in names.in_order()] == [("127.0.0.1", 53)]
    path.unlink()
    assert [tuple(each) for each in names.in_order()] == [("127.0.0.1", 53)]


async def test_the_hosts_file_and_localhost_are_known_without_a_server(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("127.0.0.9 Shop.test intern # a remark\n::1 shop.test\nno address\n")
    resolver = Resolver((closed(),), hosts=HostsFile(path))
    try:
        assert set(await resolver.resolve("shop.test")) == {"127.0.0.9", "::1"}
        assert await resolver.resolve("INTERN.") == ("127.0.0.9",)
        assert set(await resolver.resolve("localhost")) == {"127.0.0.1", "::1"}
        assert set(await resolver.resolve("a.localhost")) == {"127.0.0.1", "::1"}
        path.write_text("127.0.0.8 shop.test\n")
        assert await resolver.resolve("shop.test", anew=True) == ("127.0.0.8",)
        with pytest.raises(NoNameServer):
            await resolver.resolve("other.test")
        with pytest.raises(ResolutionError, match="has no IP address") as refused:
            await resolver.resolve("hidden.onion")
        assert not isinstance(refused.value, NoNameServer)
        with pytest.raises(ResolutionError, match="malformed"):
            await resolver.resolve("a..test")
    finally:
        await resolver.close()


async def test_who_asks_anew_gets_no_remembered_answer() -> None:
    server = Zone("other.test. 60 A 127.0.0.1")
    async with asking(server) as resolver:
        for anew, asked in ((False, 2), (False, 2), (True, 4)):
            with pytest.raises(ResolutionError):
                await resolver.resolve("shop.test", anew=anew)
            assert len(server.seen) == asked
