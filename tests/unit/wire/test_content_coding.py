"""RFC 9110 §8.4.1: codings are undone in order; no bomb costs more than the limit at any step."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import ErrorKind
from services.wire.content_coding import decoded
from services.wire.probe_failure import ProbeFailure
from tests.support.bombs import brotli_bomb, gzip_bomb, wrapped_in_gzip

LIMIT = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def flushed_brotli(data: bytes) -> bytes:
    stream = brotli.Compressor()
    return bytes(stream.process(data) + stream.flush())


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "x-gzip": lambda data: gzip.compress(data[: len(data) // 2], mtime=0) + gzip.compress(data[len(data) // 2 :]),
    "deflate": zlib.compress,
    "DEFLATE": raw_deflate,
    "br": brotli.compress,
    "identity": lambda data: data,
}


def flushed(data: bytes, wbits: int) -> bytes:
    stream = zlib.compressobj(wbits=wbits)
    return stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)


FLUSHED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: flushed(data, 31),
    "x-gzip": lambda data: gzip.compress(b"") + flushed(data, 31),
    "deflate": lambda data: flushed(data, zlib.MAX_WBITS),
    "DEFLATE": lambda data: flushed(data, -zlib.MAX_WBITS),
    "br": flushed_brotli,
}


def undo(body: bytes, *codings: str, limit: int = LIMIT, truncated: bool = False) -> tuple[bytes, bool]:
    return decoded([(b"Content-Encoding", coding.encode()) for coding in codings], body, limit, truncated=truncated)


@given(st.binary(max_size=2_000), st.lists(st.sampled_from(sorted(ENCODERS)), max_size=3))
def test_what_was_encoded_comes_back(data: bytes, codings: list[str]) -> None:
    body = data
    for coding in codings:
        body = ENCODERS[coding](body)

    assert undo(body, *codings) == (data, False)
    assert undo(body, ", ".join(codings)) == (data, False)


@given(
    st.binary(max_size=2_000), st.lists(st.sampled_from(sorted(ENCODERS)), max_size=3), st.sampled_from(("gzip", "BR"))
)
def test_codings_of_the_transfer_are_those_that_came_last(data: bytes, codings: list[str], last: str) -> None:
    body = data
    for coding in (*codings, last):
        body = ENCODERS[coding.replace("BR", "br")](body)
    headers = [(b"transfer-encoding", f"{last}, chunked".encode()), (b"Content-Encoding", ", ".join(codings).encode())]

    if sum(coding != "identity" for coding in codings) < 3:
        assert decoded(headers, body, LIMIT, truncated=False) == (data, False)
    else:
        with pytest.raises(ProbeFailure, match="has 3 content and 1 transfer codings, limit 3"):
            decoded(headers, body, LIMIT, truncated=False)


@pytest.mark.parametrize("coding", sorted(set(ENCODERS) - {"identity"}))
@pytest.mark.parametrize(("size", "more"), [(999, False), (1_000, False), (1_001, True), (100_000, True)])
def test_more_than_the_limit_is_cut_off_and_said(coding: str, size: int, more: bool) -> None:
    data = bytes(range(256)) * 400
    assert undo(ENCODERS[coding](data[:size]), coding, limit=1_000) == (data[: min(size, 1_000)], more)


@given(
    st.binary(min_size=1, max_size=300), st.lists(st.sampled_from(("gzip", "deflate", "br")), min_size=1, max_size=3)
)
def test_any_bytes_are_decoded_or_refused(body: bytes, codings: list[str]) -> None:
    try:
        text, _ = undo(body, *codings, limit=1_000)
    except ProbeFailure as failure:
        kind = failure.kind
    else:
        kind = ErrorKind.PROTOCOL
        assert len(text) <= 1_000
    assert kind is ErrorKind.PROTOCOL


@pytest.mark.parametrize("coding", sorted(set(ENCODERS) - {"identity"}))
def test_a_body_that_breaks_off_is_refused_unless_we_cut_it_off(coding: str) -> None:
    body = ENCODERS[coding](bytes(range(256)) * 4)[:-20]

    with pytest.raises(ProbeFailure, match="its content coding"):
        undo(body, coding)
    assert undo(body, coding, truncated=True)[1]


@pytest.mark.parametrize("coding", sorted(FLUSHED))
@pytest.mark.parametrize("data", [b"hello", bytes(range(256)) * 1_000])
def test_a_stream_that_nobody_ended_is_whole_after_what_was_flushed(coding: str, data: bytes) -> None:
    body = FLUSHED[coding](data)

    assert undo(body, coding) == (data, False)
    with pytest.raises(ProbeFailure, match="ends before"):
        undo(body[:-5], coding)


@given(st.binary(min_size=1, max_size=600), st.data(), st.sampled_from(sorted(set(ENCODERS) - {"identity"})))
def test_wherever_a_body_breaks_off_it_is_whole_or_refused(data: bytes, drawn: st.DataObject, coding: str) -> None:
    data *= 20
    body = ENCODERS[coding](data)
    body = body[: drawn.draw(st.integers(1, len(body)))]
    try:
        text, _ = undo(body, coding)
    except ProbeFailure:
        return
    # Between two members a body of gzip may end.
    assert text == data or (coding == "x-gzip" and text == data[: len(data) // 2])


@pytest.mark.parametrize("missing", range(1, 9))
@pytest.mark.parametrize("data", [b"", b"hello", bytes(range(256)) * 1_000])
def test_nobody_misses_the_end_of_a_trailer(data: bytes, missing: int) -> None:
    for before in (b"", gzip.compress(b"before")):
        body = before + gzip.compress(data)[:-missing]
        assert undo(body, "gzip") == (b"before" * bool(before) + data, False)
    if missing <= 4:
        assert undo(zlib.compress(data)[:-missing], "deflate") == (data, False)


@given(st.binary(max_size=300), st.integers(0, 7), st.integers(1, 255))
def test_a_trailer_that_is_wrong_breaks_the_coding(data: bytes, place: int, error: int) -> None:
    body = bytearray(gzip.compress(data))
    body[place - 8] ^= error

    with pytest.raises(ProbeFailure, match="not valid in its content coding"):
        undo(bytes(body), "gzip")


@pytest.mark.parametrize("codings", [("zstd",), ("gzip", "compress"), ("X-Compress",), ("dcb",), ("none", "zstd")])
def test_codings_that_nobody_asked_for_are_refused(codings: tuple[str, ...]) -> None:
    with pytest.raises(ProbeFailure, match="not requested"):
        undo(b"x", *codings)


def test_more_than_three_codings_are_refused() -> None:
    with pytest.raises(ProbeFailure, match="has 4 content codings, limit 3"):
        undo(b"x", *["gzip"] * 4)


@pytest.mark.parametrize("word", ["none", "utf-8", "UTF-8", "binary", "8bit", "identity", "", "text/html", "x" * 1_000])
def test_a_word_that_names_no_coding_leaves_the_body_as_it_is(word: str) -> None:
    assert undo(b"plain", word) == (b"plain", False)
    assert undo(gzip.compress(b"plain"), "gzip", word) == (b"plain", False)
    assert undo(gzip.compress(b"plain"), word, "x-gzip;level=9") == (b"plain", False)


def test_a_body_of_very_many_members_is_refused_before_it_costs_time() -> None:
    with pytest.raises(ProbeFailure, match="its content coding"):
        undo(gzip.compress(b"") * 50_000, "gzip")


def test_nothing_is_nothing_in_every_coding() -> None:
    assert undo(b"", "gzip") == (b"", False)
    assert undo(b"", "gzip", truncated=True) == (b"", True)


@pytest.mark.parametrize("codings", [("gzip",), ("br",), ("gzip", "gzip"), ("br", "gzip")])
def test_a_bomb_of_a_gigabyte_costs_less_than_four_megabytes(codings: tuple[str, ...]) -> None:
    body = brotli_bomb() if codings[0] == "br" else gzip_bomb()
    for _ in codings[1:]:
        body = wrapped_in_gzip(body)
    tracemalloc.start()
    try:
        text, truncated = undo(body[:LIMIT], *codings, truncated=len(body) > LIMIT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert truncated
    assert len(text) == LIMIT
    assert peak < 4 * LIMIT
