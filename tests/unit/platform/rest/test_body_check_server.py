"""The check as Envoy asks it: HTTP/1.1 on a socket, several requests on a connection."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2

from services.platform.rest.body import BodyInspector
from services.platform.rest.body_check_server import HEADER, body_check_socket, serve_body_checks
from services.platform.rest.contract import contract_routes
from tests.support.patience import PATIENCE_S

BODIES = BodyInspector(contract_routes())


@pytest.fixture
def listen(short_folder: Path) -> Path:
    """Where a process serves gRPC; the folder is shared."""
    return short_folder / f"{uuid4().hex[:8]}.sock"


@pytest.fixture
async def client(listen: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serve_body_checks(f"unix:{listen}", BODIES):
        transport = httpx.AsyncHTTPTransport(uds=str(body_check_socket(listen)))
        async with httpx.AsyncClient(transport=transport, base_url="http://auth", timeout=PATIENCE_S) as client:
            yield client


async def test_a_good_request_passes_with_what_its_body_names(client: httpx.AsyncClient) -> None:
    answers = [await client.patch("/services/a?updateMask=url", json={"name": name}) for name in ("a", "b" * 500_000)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {answer.headers[HEADER] for answer in answers} == {"/sentinel.monitor.v1.MonitorService/UpdateService name"}


async def test_a_bad_request_is_answered_by_the_contracts_error(client: httpx.AsyncClient) -> None:
    answer = await client.post("/services", json={"nam": "a"}, headers={"x-request-id": "request-of-the-door"})
    status = json_format.Parse(answer.text, status_pb2.Status())
    details = [error_details_pb2.ErrorInfo(), error_details_pb2.RequestInfo(), error_details_pb2.BadRequest()]

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert status.code == code_pb2.INVALID_ARGUMENT
    assert [packed.Unpack(detail) for detail, packed in zip(details, status.details, strict=True)] == [True] * 3
    assert details[0] == error_details_pb2.ErrorInfo(reason="REQUEST_MALFORMED", domain="sentinel-stack")
    assert details[1] == error_details_pb2.RequestInfo(request_id="request-of-the-door")
    assert [each.field for each in details[2].field_violations] == ["nam"]
    assert HEADER not in answer.headers


async def test_a_refusal_is_bounded_whatever_was_sent(client: httpx.AsyncClient) -> None:
    body = json.dumps({f"{number}" + "ü\n" * 10_000: 1 for number in range(15)})
    answer = await client.post("/services", content=body)

    assert answer.status_code == 400
    assert len(answer.content) < 16 * 1024


async def test_requests_on_one_connection_are_told_apart(listen: Path) -> None:
    async with serve_body_checks(f"unix:{listen}", BODIES):
        reader, writer = await asyncio.open_unix_connection(body_check_socket(listen))
        good, bad = '{"name": "a"}', '{"nam": "a"}'
        for body in (good, bad, good):
            writer.write(f"POST /services HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}\r\n\r\n".encode())
            for byte in body.encode():
                writer.write(bytes([byte]))
                await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)

            assert head.startswith(b"HTTP/1.1 200" if body == good else b"HTTP/1.1 400")
        writer.close()


async def test_what_is_no_http_ends_the_connection_and_no_other(client: httpx.AsyncClient, listen: Path) -> None:
    reader, writer = await asyncio.open_unix_connection(body_check_socket(listen))
    writer.write(b"\0\0\0\0\r\n\r\n")
    received = (await asyncio.gather(reader.read(), return_exceptions=True))[0]
    writer.close()

    assert received == b"" or isinstance(received, ConnectionResetError)
    assert (await client.get("/")).status_code == 200


async def test_the_socket_is_for_its_user_alone(client: httpx.AsyncClient, listen: Path) -> None:
    assert (await client.get("/")).status_code == 200
    assert body_check_socket(listen).stat().st_mode & 0o777 == 0o600


async def test_a_socket_that_a_killed_process_left_is_taken_over(listen: Path) -> None:
    for _ in range(2):
        async with serve_body_checks(f"unix:{listen}", BODIES):
            reader, writer = await asyncio.open_unix_connection(body_check_socket(listen))
            writer.write(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()


async def test_a_process_that_serves_on_an_address_is_not_behind_the_door_and_has_no_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with serve_body_checks("127.0.0.1:1", BODIES):
        assert os.listdir(tmp_path) == []  # noqa: PTH208 — pathlib is refused in a coroutine
