"""RFC 9110 §8.4.1: codings are undone in order; no bomb costs more than the limit at any step."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.outcome import ErrorKind
from services.worker.wire.content_coding import decoded
from services.worker.wire.probe_failure import ProbeFailure
from tests.bombs import brotli_bomb, gzip_bomb, wrapped_in_gzip

LIMIT = 1024 * 1024


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "x-gzip": lambda data: gzip.compress(data[: len(data) // 2], mtime=0) + gzip.compress(data[len(data) // 2 :]),
    "deflate": zlib.compress,
    "DEFLATE": raw_deflate,
    "br": brotli.compress,
    "identity": lambda data: data,
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

    with pytest.raises(ProbeFailure, match="breaks"):
        undo(body, coding)
    assert undo(body, coding, truncated=True)[1]


@pytest.mark.parametrize("codings", [("zstd",), ("gzip", "compress"), ("X-Compress",), ("dcb",), ("none", "zstd")])
def test_codings_that_nobody_asked_for_are_refused(codings: tuple[str, ...]) -> None:
    with pytest.raises(ProbeFailure, match="not asked for"):
        undo(b"x", *codings)


def test_more_than_three_codings_are_refused() -> None:
    with pytest.raises(ProbeFailure, match="has 4 content codings, more than 3"):
        undo(b"x", *["gzip"] * 4)


@pytest.mark.parametrize("word", ["none", "utf-8", "UTF-8", "binary", "8bit", "identity", "", "text/html", "x" * 1_000])
def test_a_word_that_names_no_coding_leaves_the_body_as_it_is(word: str) -> None:
    assert undo(b"plain", word) == (b"plain", False)
    assert undo(gzip.compress(b"plain"), "gzip", word) == (b"plain", False)
    assert undo(gzip.compress(b"plain"), word, "x-gzip;level=9") == (b"plain", False)


def test_a_body_of_very_many_members_is_refused_before_it_costs_time() -> None:
    with pytest.raises(ProbeFailure, match="breaks"):
        undo(gzip.compress(b"") * 50_000, "gzip")


def test_nothing_is_nothing_in_every_coding() -> None:
    assert undo(b"", "gzip") == (b"", False)


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
