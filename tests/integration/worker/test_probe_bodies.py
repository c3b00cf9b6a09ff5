"""What a body must contain: after its codings are undone, in the first MiB (semantics.md §23)."""

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.worker.probe import Prober
from tests.integration.worker.probing import probe, verdict
from tests.support.targets import Echo, target

MIB = 1024 * 1024
TEXT = "grüße, welt"


def answer(body: bytes, coding: str = "", status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}"]
    lines += [f"content-encoding: {coding}"] if coding else []
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("coding", "encode"),
    [("", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress), ("identity", bytes)],
)
async def test_the_text_is_found_in_the_decoded_body(
    prober: Prober, coding: str, encode: Callable[[bytes], bytes]
) -> None:
    body = encode(f"<html>{TEXT}</html>".encode())
    async with target(Echo(answer(body, coding))) as port:
        found = await probe(prober, f"http://127.0.0.1:{port}/", body_contains=TEXT)
        missing = await probe(prober, f"http://127.0.0.1:{port}/", body_contains="another text")

    assert verdict(found) == (Outcome.UP, None)
    assert found.body_bytes == len(body)
    assert verdict(missing) == (Outcome.DOWN, ErrorKind.ASSERTION)
    assert "another text" not in missing.error_message


async def test_codings_are_offered_only_when_the_body_is_looked_at(prober: Prober) -> None:
    echo = Echo(answer(b"x"))
    async with target(echo) as port:
        await probe(prober, f"http://127.0.0.1:{port}/")
        await probe(prober, f"http://127.0.0.1:{port}/", body_contains="x")
        await probe(prober, f"http://127.0.0.1:{port}/", body_contains="x", headers=(("accept-encoding", "identity"),))

    offered = [
        [line for line in request.lower().split(b"\r\n") if line.startswith(b"accept-encoding")]
        for request in echo.requests
    ]
    assert offered == [[], [b"accept-encoding: gzip, deflate, br"], [b"accept-encoding: identity"]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a" * (MIB - 4) + b"text", (Outcome.UP, None)),
        (b"text" + b"a" * MIB, (Outcome.UP, None)),
        (b"a" * (MIB - 3) + b"text", (Outcome.DOWN, ErrorKind.TOO_LARGE)),
        (b"a" * MIB, (Outcome.DOWN, ErrorKind.ASSERTION)),
    ],
)
@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_a_larger_body_is_too_large_only_when_its_first_mebibyte_does_not_show_the_text(
    prober: Prober, body: bytes, expected: tuple[Outcome, ErrorKind | None], coding: str
) -> None:
    sent = gzip.compress(body) if coding else body
    async with target(Echo(answer(sent, coding))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", body_contains="text")

    assert verdict(seen) == expected


async def test_a_wrong_status_is_said_before_a_missing_text(prober: Prober) -> None:
    async with target(Echo(answer(b"broken", "gzip", "503 Sorry"))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", body_contains="text")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.STATUS)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_a_body_that_is_not_in_its_coding_is_a_protocol_error(prober: Prober, coding: str) -> None:
    async with target(Echo(answer(b"nonsense", coding))) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", body_contains="text")
        unread = await probe(prober, f"http://127.0.0.1:{port}/")

    assert verdict(seen) == (Outcome.DOWN, ErrorKind.PROTOCOL)
    assert verdict(unread) == (Outcome.UP, None)


async def test_the_body_at_the_end_of_redirects_is_the_one_that_counts(prober: Prober) -> None:
    moved = b"HTTP/1.1 302 Moved\r\nlocation: http://127.0.0.1:%d/\r\ncontent-length: 3\r\n\r\nold"
    async with target(Echo(answer(b"new"))) as end, target(Echo(moved % end)) as port:
        seen = await probe(prober, f"http://127.0.0.1:{port}/", body_contains="new")
        old = await probe(prober, f"http://127.0.0.1:{port}/", body_contains="old")

    assert verdict(seen) == (Outcome.UP, None)
    assert verdict(old) == (Outcome.DOWN, ErrorKind.ASSERTION)
