"""How long a certificate is good for, in full days."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import ErrorKind
from services.wire.probe_failure import ProbeFailure
from services.worker.kinds.tls import refuse_short_lived

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY_S = 86_400


@given(st.integers(-400 * DAY_S, 400 * DAY_S), st.integers(0, 400))
def test_a_certificate_is_refused_exactly_when_it_has_fewer_full_days(left_s: int, wanted: int) -> None:
    not_after = NOW + timedelta(seconds=left_s)
    if left_s >= wanted * DAY_S:
        refuse_short_lived(not_after, NOW, wanted)
        return
    with pytest.raises(ProbeFailure) as refused:
        refuse_short_lived(not_after, NOW, wanted)

    assert refused.value.kind is ErrorKind.TLS
    assert ("has expired" in refused.value.sentence) == (left_s < 0)


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=2, seconds=-1), "expires in 1 day, on 2030-01-03; minimum 14 days"),
        (timedelta(seconds=1), "expires in 0 days, on 2030-01-01; minimum 14 days"),
        (timedelta(seconds=-1), "has expired: it was valid until 2030-01-01"),
    ],
)
def test_the_sentence_says_how_many_days_are_left_and_until_when(left: timedelta, said: str) -> None:
    with pytest.raises(ProbeFailure, match=said):
        refuse_short_lived(NOW + left, NOW, 14)


def test_a_certificate_that_nobody_can_read_is_refused() -> None:
    with pytest.raises(ProbeFailure):
        refuse_short_lived(None, NOW, 0)
