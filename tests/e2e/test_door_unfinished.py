"""Requests that never complete are buffered by Envoy in little memory, and end."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e.door import JWKS, LOGIN, admin, call, client_at, forwarded, value_of
from tests.support.http2 import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    block,
    frame,
    frames,
)
from tests.support.stack import Stack, until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("door")]

OPENING = PREFACE + frame(SETTINGS, stream=0)
GRPC = block(
    (":method", "POST"),
    (":scheme", "http"),
    (":path", LOGIN.path),
    (":authority", "door"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
)
REST = b"POST /auth/login HTTP/1.1\r\nhost: door\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"
# No window: its client takes no byte of the answer.
UNREAD = (
    PREFACE
    + frame(SETTINGS, (4).to_bytes(2, "big") + (0).to_bytes(4, "big"), stream=0)
    + frame(
        HEADERS,
        block((":method", "GET"), (":scheme", "http"), (":path", "/nothing"), (":authority", "door")),
        flags=END_HEADERS | END_STREAM,
    )
)
PER_CONNECTION = 256
CONNECTIONS = 4
REST_REQUESTS = 100
REFUSED_STREAM = 7


@contextmanager
def connection(stack: Stack, sent: bytes) -> Iterator[socket.socket]:
    """Open a connection and send something."""
    with socket.create_connection(("127.0.0.1", stack.port), 30) as opened:
        opened.sendall(sent)
        yield opened


def unfinished(number: int) -> bytes:
    """Return a gRPC call whose message begins and never ends."""
    stream = 2 * number + 1
    return frame(HEADERS, GRPC, flags=END_HEADERS, stream=stream) + frame(DATA, b"\0\0\0\x01\0x", stream=stream)


def test_unfinished_requests_reach_no_service_take_few_bytes_and_end(quiet_stack: Stack) -> None:
    requests = CONNECTIONS * PER_CONNECTION + REST_REQUESTS
    calls = OPENING + b"".join(unfinished(number) for number in range(PER_CONNECTION))
    with client_at(quiet_stack, "127.0.0.1") as client, ExitStack() as opened:
        assert call(client, "rest", JWKS).http_status == 200
        before, bytes_before = forwarded(quiet_stack), allocated(quiet_stack)
        held = [opened.enter_context(connection(quiet_stack, calls)) for _ in range(CONNECTIONS)]
        held += [opened.enter_context(connection(quiet_stack, REST)) for _ in range(REST_REQUESTS)]
        until(lambda: active(quiet_stack) == requests)
        assert allocated(quiet_stack) - bytes_before <= requests * 32 * 1024
        assert call(client, "rest", JWKS).http_status == 200

        until(lambda: active(quiet_stack) == 0)
        assert forwarded(quiet_stack) == before + 1
        assert held[-1].recv(100).startswith(b"HTTP/1.1 408 ")
    until(lambda: allocated(quiet_stack) <= bytes_before * 1.1 + 2**20)


def test_a_connection_carries_so_many_streams_and_no_more(quiet_stack: Stack) -> None:
    calls = b"".join(unfinished(number) for number in range(PER_CONNECTION + 1))
    with connection(quiet_stack, OPENING + calls) as opened:
        received = b""
        while RST_STREAM not in dict(frames(received)):
            received += opened.recv(65_536)

    assert int.from_bytes(dict(frames(received))[RST_STREAM], "big") == REFUSED_STREAM


def test_an_answer_that_its_client_does_not_read_is_given_up(quiet_stack: Stack) -> None:
    with connection(quiet_stack, UNREAD) as opened:
        received = b""
        while HEADERS not in dict(frames(received)):
            received += opened.recv(65_536)
        before = flush_timeouts(quiet_stack)  # counted from the first HTTP/2 connection on
        until(lambda: streams(quiet_stack) == 1)  # those of tests before end soon after their connections
        until(lambda: streams(quiet_stack) == 0)
        assert flush_timeouts(quiet_stack) == before + 1


def test_the_door_watches_its_heap(quiet_stack: Stack) -> None:
    actions = ("reset_high_memory_stream", "stop_accepting_requests", "disable_http_keepalive", "shrink_heap")

    assert 0 < value_of(quiet_stack, "overload.envoy.resource_monitors.fixed_heap.pressure") < 70
    for action in actions:
        assert value_of(quiet_stack, f"overload.envoy.overload_actions.{action}.active") == 0


def active(stack: Stack) -> int:
    """Return how many requests Envoy has that are not answered."""
    return value_of(stack, "http.door.downstream_rq_active")


def streams(stack: Stack) -> int:
    """Return how many HTTP/2 streams clients have at Envoy."""
    return value_of(stack, "http2.streams_active")


def flush_timeouts(stack: Stack) -> int:
    """Return how many answers Envoy gave up because their clients did not read them."""
    return value_of(stack, "http2.tx_flush_timeout")


def allocated(stack: Stack) -> int:
    """Return how many bytes Envoy uses."""
    return int(admin(stack, "/memory")["allocated"])
