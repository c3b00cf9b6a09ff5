"""semantics.md §23, RFC 9112: any bytes, however split, make one answer or one ProbeFailure."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.checks.outcome import ErrorKind
from services.wire.body import LARGEST_BODY
from services.wire.http_response import LARGEST_HEADERS, ResponseReader
from services.wire.http_response_head import read_head, read_ordinary
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from tests.support.examples import examples
from tests.support.targets import CHUNKED, OK

VALID = (
    OK,
    CHUNKED + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\ntrailer: t\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK,
    b"HTTP/1.1 200 OK\r\nx: y\r\n\r\nuntil the end",
    b"HTTP/1.0 404 Not Found\r\nServer: s\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 301 Moved\r\nlocation: /x\r\ncontent-length: 3\r\n\r\nabc",
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\ncontent-length: 900\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nnot framed",
    b"\r\nHTTP/1.1 200 OK\nx : a;\n b\r\r\ncontent-length: 2, 2\r\n\nok",
    CHUNKED + b"3 ;x\nabc\n2\r\r\nde\r\n0\nt: u\n v\r\n\n",
)
heads = st.booleans()


def read(pieces: Sequence[bytes], *, without_body: bool = False) -> tuple[object, ...]:
    """All that is to be known of an answer: the failure, or what it is."""
    seen = Observation()
    reader = ResponseReader(seen, without_body=without_body, keep_body=True)
    try:
        for piece in pieces:
            if reader.feed(piece):
                break
        else:
            reader.feed_eof()
    except ProbeFailure as failure:
        # What is quoted is as much as had come.
        return failure.kind, failure.sentence.partition(' "')[0], seen.status_code
    assert reader.ended
    assert len(reader.body) <= LARGEST_BODY
    return reader.status, reader.headers, bytes(reader.body), reader.truncated, seen


def split(data: bytes, cuts: Sequence[int]) -> list[bytes]:
    places = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[start:end] for start, end in pairwise(places) if end > start]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        change = draw(st.sampled_from(("insert", "delete", "replace")))
        if change == "insert":
            data[place:place] = draw(st.binary(min_size=1, max_size=4))
        elif change == "delete":
            del data[place : place + draw(st.integers(1, 8))]
        else:
            data[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
    return bytes(data)


cuts = st.lists(st.integers(0, 300), max_size=12)


@examples(500)
@given(mutated() | st.binary(max_size=300), cuts, heads)
@example(OK, list(range(300)), False)
def test_the_answer_does_not_depend_on_how_its_bytes_are_split(data: bytes, where: list[int], head: bool) -> None:
    assert read(split(data, where), without_body=head) == read([data], without_body=head)


_LENGTHS = ("content-length: 5", "Content-Length:5 ", "content-length: 5, 5", "content-length : 6", "content-length: x")
_LINES = st.sampled_from(
    ("a: b", "a : b", " c", "", "no colon", "a: \0", "transfer-encoding: chunked", "te:", *_LENGTHS)
)


@examples(500)
@given(st.sampled_from(["200", "200 OK", "302 Moved", "100", "99", "1000"]), st.lists(_LINES, max_size=4))
@example("200 OK", ["content-length: 5"])
@example("200 OK", ["transfer-encoding: chunked"])
def test_the_short_way_through_a_head_reads_what_the_long_way_reads(status: str, lines: list[str]) -> None:
    head = "\r\n".join([f"HTTP/1.1 {status}", *lines]).encode()
    ordinary = read_ordinary(head + b"\r\n\r\nbody")

    if ordinary is not None:
        size, *said = ordinary
        code, version, _, length, is_chunked = read_head(head[: size - 4])
        assert said == [code, version, length, is_chunked]


@given(st.sampled_from(VALID[:6]), st.binary(max_size=100))
def test_bytes_behind_a_framed_answer_change_nothing(answer: bytes, behind: bytes) -> None:
    if answer == VALID[3]:
        return  # is not framed
    assert read([answer + behind]) == read([answer])


@pytest.mark.parametrize(("size", "truncated"), [(LARGEST_BODY, False), (LARGEST_BODY + 1, True)])
@pytest.mark.parametrize("piece", [LARGEST_BODY * 2, 65_536, 1_000])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_is_cut_off_exactly_behind_the_limit(size: int, truncated: bool, piece: int, chunked: bool) -> None:
    body = b"a" * size
    data = CHUNKED + b"%x\r\n%b\r\n0\r\n\r\n" % (size, body) if chunked else b"HTTP/1.1 200 OK\r\n\r\n" + body
    status, _, read_body, was_truncated, _ = read([data[at : at + piece] for at in range(0, len(data), piece)])

    assert (status, was_truncated) == (200, truncated)
    assert read_body == body[:LARGEST_BODY]


@pytest.mark.parametrize("piece", [200_000, 4_096, 1_000])
@pytest.mark.parametrize(
    "line", [b"x: " + b"a" * 1_000 + b"\r\n", b"x: " + b"a" * 200_000, b"HTTP/1.1 100 Continue\r\n\r\n"]
)
def test_headers_are_cut_off_at_their_limit_in_one_line_or_many(piece: int, line: bytes) -> None:
    start = b"" if line.startswith(b"HTTP") else b"HTTP/1.1 200 OK\r\n"
    data = start + line * (200_000 // len(line) + 1)

    assert read([data[at : at + piece] for at in range(0, len(data), piece)])[0] is ErrorKind.TOO_LARGE


@pytest.mark.parametrize(("over", "expected"), [(0, 200), (1, ErrorKind.TOO_LARGE)])
@pytest.mark.parametrize("piece", [200_000, 1])
def test_headers_of_exactly_the_limit_are_read(over: int, expected: object, piece: int) -> None:
    frame = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx: %b\r\n\r\n"
    head = frame % (b"a" * (LARGEST_HEADERS - len(frame) + 2 + over))
    data = head + b"ok"

    assert read([data[at : at + piece] for at in range(0, len(data), piece)])[0] == expected


def test_endless_chunk_extensions_are_cut_off() -> None:
    data = CHUNKED + (b"1;" + b"e" * 10_000 + b"\r\na\r\n") * 1_000
    status, _, body, truncated, _ = read([data[at : at + 65_536] for at in range(0, len(data), 65_536)])

    assert (status, truncated) == (200, True)
    assert isinstance(body, bytes)
    assert len(body) < 200
