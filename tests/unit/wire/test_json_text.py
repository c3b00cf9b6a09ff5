"""JSON as JSON.parse takes it: infinite numbers, long integers, half pairs, and lists in lists however deep."""

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire import json_text
from services.wire.json_text import MOST_VALUES_OF_DEEP, Literal, TooDeepError, loads, loads_literals

DEEP = 5_000
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def lists(depth: int, inner: bytes = b"") -> bytes:
    return b"[" * depth + inner + b"]" * depth


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"1e400", math.inf),
        (b"-1e400", -math.inf),
        (b"1e-400", 0),
        (b"9" * 308, float("9" * 308)),
        (b"9" * 400, math.inf),
        (b"-" + b"9" * 5_000, -math.inf),
        (b"0." + b"9" * 5_000, 1),
        (b"18446744073709551616", 2.0**64),
    ],
)
def test_a_number_is_the_double_that_it_is_for_json_parse(text: bytes, expected: float) -> None:
    assert loads(text) == expected
    assert loads(b'{"a": [' + text + b', 1, "\\ud83d"]}') == {"a": [expected, 1, "\ud83d"]}
    assert loads_literals(text) == Literal(text.decode())


@pytest.mark.parametrize("load", [loads, loads_literals])
@pytest.mark.parametrize("blank", [b"", b" ", b"\r\n\t"])
def test_what_is_nested_deeply_is_read(load: Callable[[bytes], Any], blank: bytes) -> None:
    document = load(b'{"deep": ' + (b"[" + blank) * DEEP + (b"]" + blank) * DEEP + b', "status": "ok", "n": 1e400}')

    assert (document["status"], float(document["n"])) == ("ok", math.inf)
    depth, found = 1, document["deep"]
    while found:
        (found,) = found
        depth += 1
    assert depth == DEEP


def test_objects_that_are_nested_deeply_are_read() -> None:
    document = loads(b'{"b":{},"a":' * 3_000 + b"[]" + b',"c":[[],{}]}' * 3_000)

    depth = 0
    while document != []:
        assert (list(document), document["b"], document["c"]) == (["b", "a", "c"], {}, [[], {}])
        document = document["a"]
        depth += 1
    assert depth == 3_000


@given(VALUES, st.sampled_from([None, 1]), st.integers(0, 10_000), st.sampled_from(["", *'[]{},:"1 e']))
def test_documents_are_read_or_refused_alike_with_and_without_recursion(
    value: object, indent: int | None, place: int, wrong: str
) -> None:
    text = json.dumps(value, indent=indent)
    at = place % len(text)
    if wrong:
        text = text[:at] + wrong + text[at + place % 2 :]
    try:
        expected = repr(json_text._DOUBLES.decode(text))
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            json_text._deep(text, json_text._DOUBLES)
    else:
        assert repr(json_text._deep(text, json_text._DOUBLES)) == expected


@pytest.mark.parametrize("load", [loads, loads_literals])
@pytest.mark.parametrize(
    "text",
    [
        b"", b"NaN", b"[Infinity]", b"-Infinity", b"1e", b"01", b"[1e400,]", b'{"a":1e400,}', b"1e400 x",
        b'{"\\ud83d":1',
        lists(DEEP) + b"]", lists(DEEP)[:-1], lists(DEEP, b","), lists(DEEP, b"NaN"), lists(DEEP, b"}{"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(load: Callable[[bytes], Any], text: bytes) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        load(text)
    assert not isinstance(refused.value, TooDeepError)


def test_of_what_is_nested_deeply_so_many_values_are_read_and_no_more() -> None:
    values = b"1," * (MOST_VALUES_OF_DEEP - DEEP - 1)

    assert loads(lists(DEEP, values + b"1"))
    with pytest.raises(TooDeepError):
        loads(lists(DEEP, values + b"1,1"))
    assert len(loads(b"[" + b"1," * MOST_VALUES_OF_DEEP + b"1]")) == MOST_VALUES_OF_DEEP + 1
