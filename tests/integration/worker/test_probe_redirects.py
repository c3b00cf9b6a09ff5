"""Redirects, and the egress guard on every hop (semantics.md §22)."""

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.platform.egress.policy import EgressPolicy
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.worker.probe import Prober
from tests.integration.worker.probing import probe, verdict
from tests.support.public_tls import public_tls
from tests.support.targets import Echo, target


def moved(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()


async def test_redirects_are_followed_and_counted(prober: Prober) -> None:
    echo = Echo()
    async with target(echo) as end, target(Echo(moved(f"http://127.0.0.1:{end}/end"))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", headers=(("authorization", "secret"),))

    assert verdict(seen) == (Outcome.UP, None)
    assert seen.redirects == 1
    assert b"secret" not in echo.requests[0]


async def test_a_redirect_is_an_answer_like_another_when_it_is_not_followed(prober: Prober) -> None:
    async with target(Echo(moved("http://127.0.0.1:1/"))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", follow_redirects=False, expected_statuses=(302,))

    assert verdict(seen) == (Outcome.UP, None)


async def test_a_redirect_loop_ends_after_five(prober: Prober) -> None:
    loop = Echo(moved("/again"))
    async with target(loop) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.TOO_MANY_REDIRECTS)
    assert len(loop.requests) == 6


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest/meta-data", "http://[::ffff:127.0.0.1]/", "http://10.0.0.1/", "http://0.0.0.0/"],
)
async def test_a_redirect_to_an_inner_address_is_blocked(prober: Prober, location: str) -> None:
    async with target(Echo(moved(location))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.ERROR, ErrorKind.BLOCKED_TARGET)
    assert seen.resolved_ip is None


@pytest.mark.parametrize(
    "host", ["127.1", "127.0.1", "0x7f.1", "2130706433", "0177.1", "127.0.0.1.", "%31%32%37.1", "\uff11\uff12\uff17.1"]
)
async def test_an_address_is_vetted_however_a_redirect_writes_it_and_is_not_dialled(
    resolver: Resolver, host: str
) -> None:
    """The policy admits the server at 127.0.0.2 alone; at 127.0.0.1 another one listens."""
    prober = Prober(Network(resolver, EgressPolicy.parse("127.0.0.2/32"), public_tls()), worker_id="worker-1")
    refused = Echo()
    async with target(refused) as inner, target(Echo(moved(f"http://{host}:{inner}/")), host="127.0.0.2") as port:
        seen = await probe(prober, f"http://127.0.0.2:{port}/")

    assert verdict(seen) == (Outcome.ERROR, ErrorKind.BLOCKED_TARGET), seen.error_message
    assert (seen.redirects, seen.resolved_ip, refused.requests) == (1, None, [])


@pytest.mark.parametrize("location", ["http://127.0.0.1:65536/", "http://xn--a/", "http://[::1/", "http://\xe9..test/"])
async def test_a_redirect_to_nowhere_is_the_targets_fault(prober: Prober, location: str) -> None:
    async with target(Echo(moved(location))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.PROTOCOL)
    assert (seen.error_message or "").startswith("redirect cannot be followed")


async def test_loopback_is_blocked_unless_it_is_allowed_and_nothing_is_dialled(resolver: Resolver) -> None:
    echo = Echo()
    async with target(echo) as port:
        for host in ("127.0.0.1", "[::1]", "localhost", "2130706433", "0x7f.1"):
            seen = await probe(
                Prober(Network(resolver, EgressPolicy(), public_tls()), worker_id="worker-1"),
                f"http://{host}:{port}/",
                retries=3,
            )
            blocked, unknown = (Outcome.ERROR, ErrorKind.BLOCKED_TARGET), (Outcome.DOWN, ErrorKind.DNS)
            assert verdict(seen) in ({blocked} if host in {"127.0.0.1", "[::1]"} else {blocked, unknown}), host
            assert (seen.resolved_ip, seen.attempt if verdict(seen) == blocked else 1) == (None, 1)

    assert echo.requests == []
