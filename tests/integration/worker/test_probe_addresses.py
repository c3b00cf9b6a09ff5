"""Several addresses of a name: raced as RFC 8305 says; the first connection is used and reported."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from services.checks.outcome import ErrorKind
from services.checks.specs.http import HttpSpec
from services.wire import connection
from services.wire import dial as dialling
from services.wire.connection import Connection
from services.wire.dial import STAGGER_S, dial, interleave_families
from services.wire.http_handler import HttpHandler
from services.wire.http_request import EncodedRequest, encode_check_request
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from tests.integration.worker.probing import PLENTY_S
from tests.support.hand_clock import HandClock
from tests.support.ports import held_port
from tests.support.targets import Echo, saying, target

NEVER_S = 3_600.0
TWO = ("127.0.0.1", "127.0.0.2")
THREE = (*TWO, "127.0.0.3")


def request(port: int) -> EncodedRequest:
    return encode_check_request(HttpSpec(url=f"http://shop.test:{port}/"))


@contextmanager
def deaf(address: str, port: int) -> Iterator[None]:
    """An address that takes no connection and refuses none; the port is held."""
    with socket.socket() as full:
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((address, port))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for each in waiting:
                each.setblocking(False)
                with suppress(BlockingIOError):
                    each.connect((address, port))
            yield
        finally:
            for each in waiting:
                each.close()


def link_to(address: str, port: int, seen: Observation) -> Connection:
    """A connection that sends a request."""
    return Connection(address, port, seen, HttpHandler(request(port), seen))


async def send(port: int, *addresses: str) -> Observation:
    """Dial some addresses, send a request over the connection that stands, read the answer."""
    seen = Observation()
    winner = await dial([link_to(address, port, seen) for address in addresses])
    await winner.wait_closed()
    return seen


async def test_after_a_refusal_the_next_address_is_dialled_without_the_stagger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialling, "STAGGER_S", NEVER_S)
    with held_port(*THREE) as port:
        async with target(Echo(), host="127.0.0.3", port=port), asyncio.timeout(PLENTY_S):
            seen = await send(port, *THREE)

    assert (seen.resolved_ip, seen.status_code) == ("127.0.0.3", 200)


async def test_beside_a_silent_address_the_next_is_not_dialled_before_the_stagger(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialling, "STAGGER_S", NEVER_S)
    dialled = []

    class Noting(Connection):
        async def dial(self) -> None:
            dialled.append(self.address)
            await super().dial()

    with held_port(*TWO) as port, deaf("127.0.0.1", port):
        async with target(Echo(), host="127.0.0.2", port=port):
            seen = Observation()
            links = [Noting(each, port, seen, HttpHandler(request(port), seen)) for each in TWO]
            racing = asyncio.create_task(dial(links))
            for _ in range(100):
                await asyncio.sleep(0)
            racing.cancel()
            await asyncio.gather(racing, return_exceptions=True)

    assert dialled == ["127.0.0.1"]


async def test_beside_a_silent_address_the_next_wins_after_the_stagger_and_only_the_winner_is_timed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = HandClock()
    clock.rules(monkeypatch, connection)

    class Slow(Connection):
        """Addresses after the first are dialled a second later."""

        async def dial(self) -> None:
            clock.now_ns += 1_000_000_000
            await super().dial()

    with held_port(*TWO) as port, deaf("127.0.0.1", port):
        async with target(Echo(), host="127.0.0.2", port=port):
            seen = Observation()
            links = [Slow(each, port, seen, HttpHandler(request(port), seen)) for each in TWO]
            async with asyncio.timeout(PLENTY_S):
                winner = await dial(links)
            winner.close()

    assert (winner, seen.resolved_ip, seen.connect_us) == (links[1], "127.0.0.2", 0)


async def test_one_request_is_sent_though_two_addresses_answer() -> None:
    first, second = Echo(), Echo()
    with held_port(*TWO) as port:
        async with target(first, port=port), target(second, host="127.0.0.2", port=port):
            seen = await send(port, *TWO)

    assert seen.resolved_ip == "127.0.0.1"
    assert (len(first.requests), len(second.requests)) == (1, 0)


async def test_a_second_connection_of_one_request_closes_itself() -> None:
    echo = Echo()
    with held_port(*TWO) as port:
        async with target(saying(then_wait=True), port=port), target(echo, host="127.0.0.2", port=port):
            seen = Observation()
            first, second = (link_to(address, port, seen) for address in TWO)
            await first.dial()
            await second.dial()
            assert (first.is_late, second.is_late) == (False, True)
            assert seen.resolved_ip == "127.0.0.1"
            first.close()
            second.close()

    assert echo.requests == []


async def test_when_none_takes_a_connection_the_refusal_is_said() -> None:
    with held_port(*THREE) as port, pytest.raises(ProbeFailure, match="connection refused") as caught:
        await send(port, *THREE)

    assert caught.value.kind is ErrorKind.CONNECT_REFUSED


async def test_giving_up_closes_every_attempt() -> None:
    with held_port(*TWO) as port, deaf("127.0.0.1", port), deaf("127.0.0.2", port):
        before = asyncio.all_tasks()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(STAGGER_S * 2):
                await send(port, *TWO)

        assert asyncio.all_tasks() == before


async def test_families_take_turns_beginning_with_the_preferred_one() -> None:
    def turns(*addresses: str) -> list[str]:
        return [each.address for each in interleave_families([link_to(one, 1, Observation()) for one in addresses])]

    assert turns("2001:db8::1", "2001:db8::2", "192.0.2.1") == ["2001:db8::1", "192.0.2.1", "2001:db8::2"]
    assert turns("192.0.2.1", "192.0.2.2", "2001:db8::1") == ["192.0.2.1", "2001:db8::1", "192.0.2.2"]
    assert turns("192.0.2.1") == ["192.0.2.1"]
