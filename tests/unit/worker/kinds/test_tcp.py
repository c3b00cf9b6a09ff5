"""What is expected is found, or not, whatever pieces it comes in."""

from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import ErrorKind
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.worker.kinds.tcp import LARGEST_ANSWER, TcpHandler


def heard(pieces: list[bytes], expect: bytes) -> tuple[bool, ErrorKind | None, int | None]:
    """Whether the text was found, why not, and how much was read."""
    seen = Observation()
    handler = TcpHandler(b"", expect, seen)
    try:
        for piece in pieces:
            handler.on_data(piece)
            if seen.transfer_us is not None:
                return True, None, seen.body_bytes
    except ProbeFailure as failure:
        return False, failure.kind, seen.body_bytes
    return False, None, seen.body_bytes


small = st.lists(st.text("ab", min_size=1, max_size=4).map(str.encode), min_size=1, max_size=12)


@given(small, st.text("ab", min_size=1, max_size=6).map(str.encode))
def test_a_text_is_found_in_pieces_as_in_one(pieces: list[bytes], expect: bytes) -> None:
    found, kind, _ = heard(pieces, expect)

    assert (found, kind) == (expect in b"".join(pieces), None)


@given(st.integers(0, 9), st.lists(st.integers(1, 40_000), min_size=4, max_size=9))
def test_it_counts_as_far_as_the_limit_however_it_is_split(beyond: int, sizes: list[int]) -> None:
    said = b"x" * (LARGEST_ANSWER - 4 + beyond) + b"text" + b"y" * 200_000
    pieces = [said[sum(sizes[:number]) : sum(sizes[: number + 1])] for number in range(len(sizes))]
    pieces.append(said[sum(sizes) :])
    found, kind, read = heard([piece for piece in pieces if piece], b"text")

    assert (found, kind) == ((True, None) if beyond == 0 else (False, ErrorKind.ASSERTION))
    assert read == LARGEST_ANSWER
