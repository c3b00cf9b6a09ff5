"""DNS checks against servers that lie, flood and break off: nothing false is believed, all ends in bounds."""

import asyncio
import socket
import tracemalloc
from collections.abc import Sequence

import pytest
from dnslib import RR, A, DNSRecord

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.dns import DnsSpec
from services.wire import dns_datagrams
from services.wire.dns_answer import MOST_BYTES
from services.worker.probe import Prober
from tests.integration.worker.probing import run, verdict
from tests.support.name_server import serving
from tests.support.patience import PATIENCE_S
from tests.support.ports import bound, udp_and_tcp
from tests.support.steps import counted_steps
from tests.support.zones import Misbehaviour, Rogue, Zone, long_names_in_few_bytes, open_sockets

UP = (Outcome.UP, None)
TIMEOUT = (Outcome.DOWN, ErrorKind.TIMEOUT)
PROTOCOL = (Outcome.DOWN, ErrorKind.PROTOCOL)
SHORT_S = 0.3


def answer(question: bytes, address: str = "192.0.2.1") -> bytes:
    """The right answer, but for its address."""
    return Zone(f"acme.test. 60 A {address}").reply(question)


def wrong_number(question: bytes) -> list[bytes]:
    return [bytes((question[0] ^ 1, *answer(question)[1:]))]


def wrong_question(question: bytes) -> list[bytes]:
    other = DNSRecord.question("other.test")
    other.header.id = int.from_bytes(question[:2], "big")
    return [Zone("other.test. 60 A 192.0.2.1").reply(bytes(other.pack()))]


def wrong_type(question: bytes) -> list[bytes]:
    other = DNSRecord.question("acme.test", "AAAA")
    other.header.id = int.from_bytes(question[:2], "big")
    return [Zone("acme.test. 60 AAAA 2001:db8::1").reply(bytes(other.pack()))]


def echo(question: bytes) -> list[bytes]:
    return [question]


def no_message(question: bytes) -> list[bytes]:
    return [b"", b"\0", b"SSH-2.0-OpenSSH\r\n"]


def truncated(question: bytes) -> list[bytes]:
    cut = DNSRecord.parse(question).reply()
    cut.header.tc = 1
    return [bytes(cut.pack())]


def cut_in_the_middle(question: bytes) -> list[bytes]:
    return [answer(question)[:-3]]


def names_that_turn_in_circles(question: bytes) -> list[bytes]:
    whole = answer(question)
    head = whole[:6] + b"\0\1" + whole[8:12]
    asked = whole[12 : 12 + len("acme.test") + 2 + 4]
    here = 12 + len(asked)
    return [head + asked + bytes((0xC0 | here >> 8, here & 0xFF)) + b"\0\1\0\1\0\0\0\0\0\4\1\2\3\4"]


def thousands_of_records(question: bytes) -> list[bytes]:
    reply = DNSRecord.parse(question).reply()
    for number in range(2_000):
        reply.add_answer(RR("acme.test", rdata=A(f"10.0.{number // 250}.{number % 250}")))
    return [bytes(reply.pack())]


def aliases_in_a_circle(question: bytes) -> list[bytes]:
    reply = DNSRecord.parse(question).reply()
    reply.add_answer(*RR.fromZone("acme.test. 60 CNAME b.test."), *RR.fromZone("b.test. 60 CNAME acme.test."))
    return [bytes(reply.pack())]


def flood(question: bytes) -> list[bytes]:
    return [b"not an answer"] * 100


@pytest.mark.parametrize("lie", [wrong_number, wrong_question, wrong_type, echo, no_message])
async def test_what_answers_another_question_is_not_believed(prober: Prober, lie: Misbehaviour) -> None:
    async with serving(Rogue(lie)) as server:
        alone = await run(prober, DnsSpec("acme.test", "A", server=server), timeout_s=SHORT_S)
    async with serving(Rogue(lambda question: [*lie(question), answer(question)])) as server:
        before_the_truth = await run(prober, DnsSpec("acme.test", "A", ("192.0.2.1",), server))

    assert verdict(alone) == TIMEOUT
    assert "while waiting for the response" in alone.error_message
    assert verdict(before_the_truth) == UP


async def test_what_comes_from_elsewhere_is_not_believed(prober: Prober) -> None:
    server = Rogue(lambda _: [])
    by_udp, by_tcp = socket.SOCK_DGRAM, socket.SOCK_STREAM
    for_udp, for_tcp, other_address = bound((by_udp, "127.0.0.1"), (by_tcp, "127.0.0.1"), (by_udp, "127.0.0.2"))
    (other_port,) = bound((by_udp, "127.0.0.1"))

    def spoofed(data: bytes, addr: tuple[str, int]) -> None:
        for elsewhere in (other_port, other_address):
            elsewhere.sendto(answer(data, "192.0.2.66"), addr)
        server._transport.sendto(answer(data), addr)

    server.datagram_received = spoofed  # type: ignore[method-assign] # the server is the test's own
    with other_address, other_port:
        async with serving(server, (for_udp, for_tcp)) as address:
            seen = await run(prober, DnsSpec("acme.test", "A", ("192.0.2.1",), address))

    assert verdict(seen) == UP


@pytest.mark.parametrize(
    ("misbehaviour", "kind"),
    [
        (cut_in_the_middle, ErrorKind.PROTOCOL),
        (names_that_turn_in_circles, ErrorKind.PROTOCOL),
        (aliases_in_a_circle, ErrorKind.PROTOCOL),
        (flood, ErrorKind.PROTOCOL),
        (thousands_of_records, ErrorKind.TOO_LARGE),
    ],
)
async def test_a_broken_answer_by_udp_ends_the_run_and_nothing_is_asked_again(
    prober: Prober, misbehaviour: Misbehaviour, kind: ErrorKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_datagrams, "_FIRST_WAIT_S", 3_600)
    asked: list[bytes] = []

    def noting(question: bytes) -> Sequence[bytes]:
        asked.append(question)
        return misbehaviour(question)

    async with serving(Rogue(noting)) as server:
        seen = await run(prober, DnsSpec("acme.test", "A", server=server))

    assert verdict(seen) == (Outcome.DOWN, kind)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "misbehaviour",
    [wrong_number, wrong_question, wrong_type, echo, no_message, truncated, cut_in_the_middle, aliases_in_a_circle],
)
async def test_a_broken_answer_by_tcp_is_a_protocol_error_and_the_connection_is_closed(
    prober: Prober, misbehaviour: Misbehaviour
) -> None:
    rogue = Rogue(truncated, misbehaviour)
    async with serving(rogue) as server:
        seen = await run(prober, DnsSpec("acme.test", "A", server=server))
        await asyncio.wait_for(rogue.gone.wait(), PATIENCE_S)

    assert verdict(seen) == PROTOCOL
    assert seen.connect_us is not None


async def test_an_answer_of_long_names_in_few_bytes_is_too_large_and_read_in_a_bounded_number_of_steps(
    prober: Prober,
) -> None:
    async with serving(Rogue(long_names_in_few_bytes)) as server:
        with counted_steps() as steps:
            seen = await run(prober, DnsSpec("acme.test", "SOA", server=server))

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TOO_LARGE)
    assert steps.count < 16 * MOST_BYTES


async def test_silence_by_tcp_ends_at_the_deadline_and_the_connection_is_closed(prober: Prober) -> None:
    rogue = Rogue(truncated, lambda _: [])
    async with serving(rogue) as server:
        seen = await run(prober, DnsSpec("acme.test", "A", server=server), timeout_s=SHORT_S)
        await asyncio.wait_for(rogue.gone.wait(), PATIENCE_S)

    assert verdict(seen) == TIMEOUT
    assert "while waiting for the response" in seen.error_message


async def test_a_server_without_tcp_refuses_the_connection(prober: Prober) -> None:
    rogue = Rogue(truncated)
    loop = asyncio.get_running_loop()
    for_udp, nobody = udp_and_tcp()  # bound, and does not listen: nobody else's server takes the port
    transport, _ = await loop.create_datagram_endpoint(lambda: rogue, sock=for_udp)
    try:
        with nobody:
            seen = await run(prober, DnsSpec("acme.test", "A", server=f"127.0.0.1:{for_udp.getsockname()[1]}"))
    finally:
        transport.close()

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.CONNECT_REFUSED)


async def test_a_huge_answer_by_tcp_is_too_large_and_costs_little_memory(prober: Prober) -> None:
    async with serving(Rogue(truncated, thousands_of_records)) as server:
        await run(prober, DnsSpec("acme.test", "A", server=server))
        tracemalloc.start()
        try:
            seen = await run(prober, DnsSpec("acme.test", "A", server=server))
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TOO_LARGE)
    # The server's own part, in the same process, is in it.
    assert peak < 8 * 1024 * 1024


async def test_hundreds_of_questions_at_once_are_answered_and_leave_nothing_open(prober: Prober) -> None:
    async with serving(Zone("acme.test. 60 A 192.0.2.1")) as server:
        before = open_sockets()
        spec = DnsSpec("acme.test", "A", ("192.0.2.1",), server)
        seen = await asyncio.gather(*(run(prober, spec) for _ in range(300)))

        assert {verdict(each) for each in seen} == {UP}
        assert open_sockets() == before
