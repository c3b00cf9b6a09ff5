"""A path leads where the library that reads it says (RFC 9535), and never further than it may."""

from contextlib import suppress

import jsonpath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.json_path import MOST_LOOKED_AT, TooManyValuesError, find, steps_of

# Without strings: the library takes slices of those too, which RFC 9535 §2.3.4 does not.
_documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=20,
)
_steps = st.sampled_from([".a", "['b']", "[0]", "[-1]", "[*]", ".*", "[1:]", "[::-1]", "[:2:0]", "..a", "..*", "..[0]"])


@given(st.lists(_steps, max_size=4), _documents)
def test_the_walk_finds_what_the_library_finds(steps: list[str], document: object) -> None:
    path = "$" + "".join(steps)
    # The library takes only lists and objects.
    expected = jsonpath.findall(path, [document], strict=True) if steps else [[document]]

    assert sorted(map(repr, find(steps_of(path), [document]))) == sorted(map(repr, expected))


def test_it_looks_at_so_many_values_and_no_more() -> None:
    wide = list(range(MOST_LOOKED_AT))
    assert len(find(steps_of("$[*]"), wide)) == MOST_LOOKED_AT
    with pytest.raises(TooManyValuesError):
        find(steps_of("$[*]"), [*wide, 0])
    with pytest.raises(TooManyValuesError):
        find(steps_of("$..*..*"), [[[0] * 100] * 100])


def test_it_goes_as_deep_as_json_does() -> None:
    deep: object = "x"
    for _ in range(1_000):
        deep = [deep]
    assert len(find(steps_of("$..*"), deep)) == 1_000


@pytest.mark.parametrize(
    "path",
    ["", "a", "$.", "$[", "$[?@.a]", "$[?match(@.a, '(a+)+')]", "$[1,2]", "$.a | $.b", "$.a.length()", "$[" * 5_000,
     "$[?" + "(" * 5_000, "$.a[99999999999999999999]", "$\0"],
)  # fmt: skip
def test_what_is_no_path_or_may_cost_much_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|invalid JSONPath: |union selectors |selectors must )"):
        steps_of(path)


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from("$.[]*?@'\"ab01:-()!&|= ")).map("".join)))
def test_whatever_is_written_is_a_path_or_refused(path: str) -> None:
    with suppress(ValueError):
        find(steps_of("$" + path), {"a": [1, {"b": 2}]})
