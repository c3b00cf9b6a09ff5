"""The transport under httpx's own client: the same guards and bounds for whatever sends through it."""

import gzip

import httpx
import pytest

from services.common.outcome import ErrorKind
from services.worker.wire.network import Network
from services.worker.wire.probe_failure import ProbeFailure
from services.worker.wire.resolver import Resolver
from services.worker.wire.tls import TlsContexts
from services.worker.wire.transport import ProbeTransport
from tests.integration.worker.conftest import LOOPBACK
from tests.targets import Authority, Echo, target

MIB = 1024 * 1024


@pytest.fixture
def client(resolver: Resolver, authority: Authority) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=ProbeTransport(Network(resolver, LOOPBACK, TlsContexts(authority.trusting))))


async def test_a_request_of_httpx_goes_out_whole(client: httpx.AsyncClient, authority: Authority) -> None:
    echo = Echo(b'HTTP/1.1 201 Made\r\nx-a: 1\r\ncontent-length: 8\r\n\r\n{"a": 1}')
    async with target(echo, authority.server("localhost")) as port, client:
        answer = await client.post(f"https://localhost:{port}/hook?x=y", json={"b": 2}, headers={"x-token": "t"})

    assert (answer.status_code, answer.headers["x-a"], answer.json()) == (201, "1", {"a": 1})
    head, _, body = echo.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /hook?x=y HTTP/1.1\r\n")
    assert b"x-token: t" in head
    assert head.lower().count(b"content-length") == head.lower().count(b"connection:") == 1
    assert body == b'{"b":2}'


async def test_a_body_is_decoded_within_bounds(client: httpx.AsyncClient) -> None:
    body = gzip.compress(bytes(64 * MIB))
    answer = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with target(Echo(answer + body)) as port, client:
        seen = await client.get(f"http://127.0.0.1:{port}/")

    assert len(seen.content) == MIB
    assert "content-encoding" not in seen.headers


async def test_an_inner_address_is_blocked(client: httpx.AsyncClient) -> None:
    async with client:
        with pytest.raises(ProbeFailure) as caught:
            await client.get("http://169.254.169.254/latest/meta-data")

    assert caught.value.kind is ErrorKind.BLOCKED_TARGET
