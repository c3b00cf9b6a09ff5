"""Modules of tests are spread evenly among others."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.support.order import spread


def test_each_item_is_followed_by_an_equal_share() -> None:
    assert "".join(spread("abcdef", "12")) == "1abc2def"
    assert "".join(spread("ab", "123")) == "12a3b"
    assert "".join(spread("ab", "")) == "ab"


@given(many=st.lists(st.integers()), among=st.lists(st.text()))
def test_nothing_is_lost_and_the_order_of_each_is_kept(many: Sequence[int | str], among: Sequence[int | str]) -> None:
    mixed = list(spread(many, among))
    assert [item for item in mixed if isinstance(item, int)] == many
    assert [item for item in mixed if isinstance(item, str)] == among
