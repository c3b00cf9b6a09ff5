"""An answer over HTTP/2 is read however it is cut; what breaks the protocol or the bounds fails."""

import contextlib
import itertools

import hpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.checks.outcome import ErrorKind
from services.wire.http2 import Answer, request
from services.wire.probe_failure import ProbeFailure
from tests.support import http2
from tests.support.http2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    GOOD,
    GRPC,
    HEADERS,
    HELLO,
    PADDED,
    PING,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    block,
    frame,
    headers,
    message,
    trailers,
)

ACKNOWLEDGED = frame(SETTINGS, flags=1, stream=0)
FIRST = headers(*GRPC)


def fed(*pieces: bytes) -> tuple[Answer, bytes]:
    answer = Answer()
    return answer, b"".join(answer.feed(piece) for piece in pieces)


def test_a_request_is_settings_headers_and_a_body_that_ends_it() -> None:
    asked = [(":method", "POST"), (":path", "/x"), ("te", "trailers")]
    sent = request(asked, b"body")
    preface, rest = sent[:24], sent[24:]
    frames = []
    while rest:
        end = 9 + int.from_bytes(rest[:3], "big")
        frames.append((rest[3], rest[4], int.from_bytes(rest[5:9], "big"), rest[9:end]))
        rest = rest[end:]

    assert preface == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    assert [each[:3] for each in frames] == [(SETTINGS, 0, 0), (HEADERS, END_HEADERS, 1), (DATA, END_STREAM, 1)]
    assert frames[0][3] == b"\0\2\0\0\0\0" + b"\0\6\0\1\0\0"  # no push; 64 KiB of headers
    decoded = hpack.Decoder().decode(frames[1][3], raw=True)
    assert [(name.decode(), value.decode()) for name, value in decoded] == asked
    assert frames[2][3] == b"body"


@given(st.lists(st.integers(0, len(GOOD)), max_size=8))
def test_an_answer_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    at = sorted({0, *cuts, len(GOOD)})
    answer, replies = fed(*(GOOD[begin:end] for begin, end in itertools.pairwise(at)))

    assert answer.is_complete
    assert (answer.headers, answer.trailers) == (
        [(b":status", b"200"), (b"content-type", b"application/grpc")],
        [(b"grpc-status", b"0")],
    )
    assert (bytes(answer.body), replies) == (message(), ACKNOWLEDGED)


def test_headers_and_data_come_in_parts_with_padding_and_priority() -> None:
    whole = block((":status", "200"), *GRPC)
    padded = b"\3" + b"\0\0\0\0\1" + whole[:4] + bytes(3)
    answer, _ = fed(
        HELLO,
        frame(HEADERS, padded, flags=PADDED | WITH_PRIORITY),
        frame(CONTINUATION, whole[4:9]),
        frame(CONTINUATION, whole[9:], flags=END_HEADERS),
        frame(DATA, b"\2ab" + bytes(2), flags=PADDED),
        frame(DATA),
        frame(DATA, b"c", flags=END_STREAM),
    )

    assert (answer.is_complete, bytes(answer.body), answer.headers[0]) == (True, b"abc", (b":status", b"200"))


def test_what_an_answer_of_one_request_has_no_use_for_is_left_alone() -> None:
    answer, replies = fed(
        HELLO + ACKNOWLEDGED,
        frame(WINDOW_UPDATE, b"\0\0\1\0", stream=0) + frame(WINDOW_UPDATE, b"\0\0\1\0"),
        frame(PING, b"12345678", stream=0) + frame(PING, b"87654321", flags=1, stream=0),
        frame(GOAWAY, b"\x7f\xff\xff\xff" + bytes(4), stream=0),
        frame(RST_STREAM, bytes(4), stream=3),
        frame(99, b"an extension"),
        headers(status="103"),
        FIRST + frame(DATA, message()) + trailers(),
    )

    assert answer.is_complete
    assert replies == ACKNOWLEDGED + frame(PING, b"12345678", flags=1, stream=0)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak HTTP/2"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not speak HTTP/2"),
        (FIRST, "does not speak HTTP/2"),
        (HELLO + b"\x00\x40\x01" + frame(DATA)[3:], "larger than the maximum"),
        (HELLO + frame(SETTINGS, b"\0" * 5, stream=0), "SETTINGS frame of the wrong size"),
        (HELLO + frame(SETTINGS), "on a stream"),
        (HELLO + frame(PING, b"1234567", stream=0), "PING frame of the wrong size"),
        (HELLO + frame(GOAWAY, b"\0\0\0\0", stream=0), "GOAWAY frame is too short"),
        (HELLO + frame(GOAWAY, bytes(8), stream=0), "GOAWAY (NO_ERROR)"),
        (HELLO + frame(GOAWAY, b"\0\0\0\1\0\0\0\x0b", stream=0), "GOAWAY (ENHANCE_YOUR_CALM)"),
        (HELLO + frame(RST_STREAM, b"\0\0\0\7"), "reset the stream (REFUSED_STREAM)"),
        (HELLO + frame(RST_STREAM, b"\0\0\1\0"), "reset the stream (code 256)"),
        (HELLO + frame(RST_STREAM), "RST_STREAM frame of the wrong size"),
        (HELLO + frame(RST_STREAM, b"\1" * 4_000), "RST_STREAM frame of the wrong size"),
        (HELLO + frame(PUSH_PROMISE, b"\0\0\0\2"), "server push"),
        (
            HELLO + frame(HEADERS, block((":status", "200")), flags=END_HEADERS, stream=3),
            "on an unknown stream",
        ),
        (HELLO + frame(DATA, b"x"), "DATA frame before HEADERS"),
        (HELLO + frame(CONTINUATION, b"x"), "without HEADERS"),
        (HELLO + frame(HEADERS, b"\x88") + frame(DATA, b"x"), "unterminated header block"),
        (HELLO + frame(HEADERS, b"\x88") + frame(PING, bytes(8), stream=0), "unterminated header block"),
        (HELLO + frame(HEADERS, b"\xff\xff\xff", flags=END_HEADERS), "malformed header block"),
        (HELLO + frame(HEADERS, block(("a", "b")), flags=END_HEADERS), "without a status"),
        (HELLO + frame(HEADERS, b"\5abc", flags=END_HEADERS | PADDED), "padding exceeds the frame"),
        (HELLO + frame(HEADERS, b"", flags=END_HEADERS | PADDED), "padding exceeds the frame"),
        (HELLO + FIRST + FIRST, "do not end the stream"),
        (HELLO + headers(status="103", end=True), "interim response ends"),
    ],
)
def test_what_breaks_the_protocol_says_how(sent: bytes, said: str) -> None:
    with pytest.raises(ProbeFailure) as failed:
        fed(sent)

    assert failed.value.kind is ErrorKind.PROTOCOL
    assert said in failed.value.sentence


BIG = block(("x", "y" * 16_000))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (HELLO + frame(HEADERS, BIG) + frame(CONTINUATION, BIG) * 9, "headers are larger than 64 KiB"),
        # One long header, named four hundred times in a byte each.
        (HELLO + frame(HEADERS, b"\x40\1x\x7f\xa1\x1e" + b"y" * 4_000 + b"\xbe" * 400, flags=END_HEADERS), "64 KiB"),
        (HELLO + FIRST + frame(DATA, bytes(16_000)) * 5, "body is larger than 64 KiB"),
        (HELLO + FIRST + frame(DATA) * 2_000, "more than 1024 frames"),
        (HELLO + frame(PING, bytes(8), stream=0) * 2_000, "more than 1024 frames"),
        (HELLO + headers(status="103") * 2_000, "more than 1024 frames"),
        (HELLO + frame(99, bytes(16_000)) * 20, "larger than 256 KiB"),
    ],
)
def test_what_breaks_the_bounds_is_too_large(sent: bytes, said: str) -> None:
    with pytest.raises(ProbeFailure) as failed:
        fed(*(sent[begin : begin + 10_000] for begin in range(0, len(sent), 10_000)))

    assert failed.value.kind is ErrorKind.TOO_LARGE
    assert said in failed.value.sentence


frames = st.builds(
    lambda kind, flags, stream, payload: frame(kind, payload, flags=flags, stream=stream),
    st.integers(0, 10),
    st.integers(0, 255),
    st.sampled_from([0, 1, 3]),
    st.binary(max_size=40) | st.just(block((":status", "200"))) | st.just(b"\1" * 5_000),
)


@given(st.lists(frames | st.binary(max_size=20), max_size=12).map(b"".join))
@example(HELLO + frame(HEADERS, b"\x3f\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", flags=END_HEADERS))
def test_no_bytes_make_it_raise_anything_else(sent: bytes) -> None:
    for beginning in (b"", HELLO, HELLO + FIRST):
        with contextlib.suppress(ProbeFailure):
            fed(beginning, sent)


@given(st.binary(max_size=300))
def test_no_headers_make_it_raise_anything_else(payload: bytes) -> None:
    with contextlib.suppress(ProbeFailure):
        fed(HELLO, frame(HEADERS, payload, flags=END_HEADERS))


def test_the_good_answer_of_other_tests_is_whole() -> None:
    assert fed(http2.GOOD)[0].is_complete
