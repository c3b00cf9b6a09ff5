"""Names by a real name server: cached as long as is right, asked once for many, vetted before anything is dialled."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

import services.wire.resolver as resolver_room
from services.checks.outcome import ErrorKind, Outcome
from services.platform.egress.policy import EgressPolicy
from services.wire.network import Network
from services.wire.resolver import NoNameServer, ResolutionError, Resolver
from services.worker.probe import Prober
from tests.integration.worker.conftest import LOOPBACK
from tests.integration.worker.probing import probe, verdict
from tests.support.name_server import Answers, NameServer, serving
from tests.support.ports import closed_port, held_port
from tests.support.public_tls import public_tls
from tests.support.targets import Echo, target
from tests.support.zones import open_sockets


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@asynccontextmanager
async def asking(answers: Answers, *, only_tcp: bool = False) -> AsyncIterator[tuple[Resolver, NameServer, Clock]]:
    server, clock = NameServer(answers, only_tcp=only_tcp), Clock()
    async with serving(server) as address:
        resolver = Resolver((address,), clock)
        try:
            yield resolver, server, clock
        finally:
            await resolver.close()


def at(*addresses: str, ttl: int = 60) -> Answers:
    return lambda _, kind: [(each, ttl) for each in addresses if (":" in each) == (kind == "AAAA")]


async def test_both_families_are_asked_for() -> None:
    async with asking(at("192.0.2.1", "192.0.2.2", "2001:db8::1")) as (resolver, server, _):
        found = await resolver.resolve("shop.test")

    assert set(found) == {"192.0.2.1", "192.0.2.2", "2001:db8::1"}
    assert set(server.questions) == {("shop.test", "A"), ("shop.test", "AAAA")}


async def test_a_long_answer_comes_by_tcp() -> None:
    many = tuple(f"192.0.2.{number}" for number in range(200))
    async with asking(at(*many), only_tcp=True) as (resolver, _, _):
        assert set(await resolver.resolve("shop.test")) == set(many)


@pytest.mark.parametrize(("ttl", "kept_s"), [(0, 1.0), (5, 5.0), (86_400, 30.0)])
async def test_an_answer_is_kept_for_its_ttl_within_bounds(ttl: int, kept_s: float) -> None:
    async with asking(at("192.0.2.1", ttl=ttl)) as (resolver, server, clock):
        await resolver.resolve("shop.test")
        clock.now_s += kept_s - 0.01
        await resolver.resolve("shop.test")
        assert len(server.questions) == 2
        clock.now_s += 0.02
        await resolver.resolve("shop.test")

    assert len(server.questions) == 4


@pytest.mark.parametrize("answers", [lambda _, __: None, lambda _, __: []])
async def test_that_there_is_no_address_is_kept_for_a_short_time(answers: Answers) -> None:
    async with asking(answers) as (resolver, server, clock):
        for after_s in (0, 1.99, 0.02):
            clock.now_s += after_s
            with pytest.raises(ResolutionError, match="has no IP address"):
                await resolver.resolve("shop.test")

    assert len(server.questions) == 4


async def test_many_who_ask_at_once_cost_one_question_and_one_who_gives_up_takes_it_from_nobody() -> None:
    async with asking(at("192.0.2.1")) as (resolver, server, _):
        many = [asyncio.create_task(resolver.resolve("shop.test")) for _ in range(100)]
        await asyncio.sleep(0)
        many[0].cancel()
        found = await asyncio.gather(*many, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert set(map(str, found[1:])) == {"('192.0.2.1',)"}
    assert len(server.questions) == 2


async def test_questions_that_nobody_answers_are_bounded_and_end_with_those_who_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resolver_room, "_MOST_UNDER_WAY", 3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = Resolver((f"127.0.0.1:{silent.getsockname()[1]}",))
        before = open_sockets()
        try:
            waiting = [asyncio.create_task(resolver.resolve(f"shop-{number}.test")) for number in range(3)]
            await asyncio.sleep(0)
            with pytest.raises(NoNameServer, match="too many"):
                await resolver.resolve("shop-4.test")
            for each in waiting:
                each.cancel()
            await asyncio.wait(waiting)
            monkeypatch.setattr(resolver_room, "_MOST_UNDER_WAY", 1)
            another = asyncio.create_task(resolver.resolve("shop-5.test"))
            await asyncio.sleep(0)
            assert not another.done()
            another.cancel()
            await asyncio.wait((another,))
        finally:
            await resolver.close()
        assert open_sockets() == before


async def test_a_name_server_that_cannot_be_reached_is_our_own_trouble() -> None:
    resolver = Resolver((f"127.0.0.1:{closed_port()}",))
    try:
        with pytest.raises(NoNameServer):
            await resolver.resolve("shop.test")
        seen = await probe(Prober(Network(resolver, LOOPBACK, public_tls()), worker_id="worker-1"), "http://shop.test/")
    finally:
        await resolver.close()

    assert verdict(seen) == (Outcome.ERROR, ErrorKind.INTERNAL)
    assert "DNS resolver" in seen.error_message


async def test_a_name_that_answers_with_an_inner_address_next_is_blocked_next() -> None:
    """DNS rebinding: what is dialled is what was vetted, on each run anew (semantics.md §10, §22)."""
    addresses = iter(["127.0.0.2"])
    echo = Echo()

    def rebinding(_: str, kind: str) -> list[tuple[str, int]]:
        return [] if kind == "AAAA" else [(next(addresses, "127.0.0.1"), 0)]

    async with asking(rebinding) as (resolver, server, clock), target(echo, host="127.0.0.2") as port:
        # 127.0.0.2 stands for a public address, 127.0.0.1 for an inner one.
        prober = Prober(Network(resolver, EgressPolicy.parse("127.0.0.2/32"), public_tls()), worker_id="worker-1")
        first = await probe(prober, f"http://shop.test:{port}/")
        clock.now_s += 1.01
        second = await probe(prober, f"http://shop.test:{port}/")

    assert (verdict(first), first.resolved_ip) == ((Outcome.UP, None), "127.0.0.2")
    assert (verdict(second), second.resolved_ip) == ((Outcome.ERROR, ErrorKind.BLOCKED_TARGET), None)
    assert len(echo.requests) == 1
    assert len(server.questions) == 4


async def test_of_a_name_with_inner_and_outer_addresses_only_the_outer_are_dialled() -> None:
    outer, inner = Echo(), Echo()
    with held_port("127.0.0.1", "127.0.0.2") as port:
        async with (
            asking(at("127.0.0.1", "127.0.0.2")) as (resolver, _, _),
            target(outer, host="127.0.0.2", port=port),
            target(inner, port=port),
        ):
            prober = Prober(Network(resolver, EgressPolicy.parse("127.0.0.2/32"), public_tls()), worker_id="worker-1")
            seen = [await probe(prober, f"http://shop.test:{port}/") for _ in range(3)]

    assert {each.resolved_ip for each in seen} == {"127.0.0.2"}
    assert (len(outer.requests), len(inner.requests)) == (3, 0)
