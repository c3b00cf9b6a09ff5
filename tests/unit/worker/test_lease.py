"""semantics.md §5: a fair share leaves no shard without a worker."""

from hypothesis import given
from hypothesis import strategies as st

from services.checks.grid import SHARDS
from services.worker.lease import fair_share


@given(st.integers(1, 300))
def test_fair_shares_cover_all_shards_and_no_worker_more_would(workers: int) -> None:
    assert fair_share(workers) * workers >= SHARDS
    assert (fair_share(workers) - 1) * workers < SHARDS
