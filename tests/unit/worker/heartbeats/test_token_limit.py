"""A token's bucket: so many signals at once, one more every second, and no token at the cost of another."""

from hypothesis import given
from hypothesis import strategies as st

from services.worker.heartbeats.token_limit import TokenLimit

BURST, EVERY_S = 60, 1.0


@given(st.lists(st.floats(0, 30), max_size=300))
def test_in_any_span_no_more_go_through_than_the_bucket_holds_and_wins_back(pauses: list[float]) -> None:
    limit, now_s = TokenLimit(), 1_000.0
    taken: list[float] = []
    for pause in pauses:
        now_s += pause * 0.05
        wait_s = limit.acquire(b"token", now_s)
        if not wait_s:
            taken.append(now_s)
            for count, first in enumerate(reversed(taken), 1):
                assert count <= BURST + (now_s - first) / EVERY_S + 1
        else:
            assert len(taken) >= BURST
            assert 0 < wait_s <= EVERY_S


def test_a_full_bucket_opens_when_it_said_and_others_are_open() -> None:
    limit = TokenLimit()
    assert [limit.acquire(b"one", 0.0) for _ in range(BURST)] == [0.0] * BURST

    wait_s = limit.acquire(b"one", 0.5)
    assert wait_s == 0.5
    assert limit.acquire(b"other", 0.5) == 0.0
    assert limit.acquire(b"one", 0.5 + wait_s) == 0.0
    assert limit.acquire(b"one", 0.5 + wait_s) == EVERY_S
