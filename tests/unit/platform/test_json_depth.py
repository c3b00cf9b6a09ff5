"""The depth of JSON, whichever parser will read it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.json_depth import is_deeper

VALUES = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('[]{}\\", a'), max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.sampled_from('[{"\\'), max_size=3), inner),
)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth_of, value), default=0)
    return 0


@given(VALUES, st.integers(0, 6))
def test_a_document_is_as_deep_as_its_values_are_nested(value: object, limit: int) -> None:
    assert is_deeper(json.dumps(value).encode(), limit) == (depth_of(value) > limit)


@pytest.mark.parametrize("limit", [1, 3, 64, 800])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"[":', b"}"), (b'[{"a":', b"}]")])
def test_the_limit_itself_is_not_deeper(limit: int, opening: bytes, closing: bytes) -> None:
    levels = opening.count(b"[") + opening.count(b"{") - opening.count(b'"[')
    inside = b"[]," * 5_000 + b"1"
    within = (limit - 1) // levels

    deep = b"[" + opening * within + b"1" + closing * within + b"," + inside + b"]"
    deeper = b"[" + opening * (limit // levels) + b"[1]" + closing * (limit // levels) + b"]"

    assert (is_deeper(deep, max(limit, 2)), is_deeper(deeper, limit)) == (False, True)


def test_text_that_never_closes_is_deep_and_text_of_pairs_is_not() -> None:
    assert is_deeper(b"[" * 1_000_000, 800)
    assert not is_deeper(b"[]" * 500_000, 800)
