"""Unit tests are spread evenly among the modules of tests that wait."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.support.order import spread


def test_each_module_is_followed_by_an_equal_share() -> None:
    assert "".join(spread("abcdef", ["123", "45"])) == "123abc45def"
    assert "".join(spread("ab", ["1", "2", "3"])) == "12a3b"


@given(many=st.lists(st.integers()), among=st.lists(st.lists(st.text())))
def test_nothing_is_lost_and_the_order_of_each_is_kept(
    many: Sequence[int | str], among: Sequence[Sequence[int | str]]
) -> None:
    mixed = list(spread(many, among))
    assert [item for item in mixed if isinstance(item, int)] == many
    assert [item for item in mixed if isinstance(item, str)] == [item for group in among for item in group]
