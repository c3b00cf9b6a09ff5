"""JSON and nothing else is read, and an error says where and why it is none."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.errors import InvalidArgument, TooManyFields
from services.platform.json_depth import DEEPEST_PARSED
from services.platform.rest.json_text import DEEPEST, Pairs, parse

_MIB = 1 << 20
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=20,
)


def plain(value: Any) -> Any:
    """What the library makes of it."""
    if isinstance(value, Pairs):
        return {name: plain(each) for name, each in value}
    return [plain(each) for each in value] if isinstance(value, list) else value


def refusal(body: bytes) -> str:
    with pytest.raises(InvalidArgument) as refused:
        parse(body)
    return refused.value.message


@given(_JSON, st.booleans())
def test_whatever_is_json_is_read(value: Any, ascii_only: bool) -> None:
    assert plain(parse(json.dumps(value, ensure_ascii=ascii_only).encode())) == value


@given(st.binary(max_size=60) | st.text("{}[]\",:\\u0dD8'eE-+. tfn/", max_size=40).map(str.encode))
def test_what_is_none_is_refused_as_the_library_refuses_it(body: bytes) -> None:
    try:
        expected = json.loads(body.decode())
        json.dumps(expected, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        assert "body" in refusal(body)
    else:
        assert plain(parse(body)) == expected


@pytest.mark.parametrize(
    ("body", "where", "why"),
    [
        ('{"a": 1,}', "line 1, column", "trailing comma before a closing bracket"),
        ('{"a": [1, ]}', "line 1, column", "trailing comma before a closing bracket"),
        ("{'a': 1}", "line 1, column 2", "double quotes, not single quotes"),
        ("{\"a\": 'b'}", "line 1, column 7", "double quotes, not single quotes"),
        ("{a: 1}", "line 1, column 2", "names and strings must be in double quotes"),
        ('{"a": yes}', "line 1, column 7", "the only literals are true, false and null"),
        ('{"a": True}', "line 1, column 7", "the only literals are true, false and null"),
        ('{\n"a": 1 // one\n}', "line 2, column", "comments are not allowed"),
        ('{"a": 1\n"b": 2}', "line 2, column 1", "a missing comma before it"),
        ('{"a": "\t"}', "line 1, column 8", "control characters"),
        ('{"a": "\\x41"}', "line 1, column", "invalid escape sequence"),
        ('{"a": 1', "line 1, column 8", "unexpected end of input"),
        ("   ", "line 1, column 4", "unexpected end of input"),
        ("\ufeff{}", "line 1, column 1", "byte order mark"),
        ("{} {}", "line 1, column 4", "expected a value"),
        ('{"a": 01}', "line 1, column", "expected a value"),
    ],
)
def test_an_error_says_where_and_why(body: str, where: str, why: str) -> None:
    message = refusal(body.encode())

    assert where in message
    assert why in message


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none_are_named(name: str) -> None:
    assert name in refusal(f'{{"a": {name}}}'.encode())


@pytest.mark.parametrize("body", [b'{"a": "\xff"}', '{"a": 1}'.encode("utf-16"), b"\x1f\x8b\x08\x00"])
def test_what_is_no_utf_8_is_refused(body: bytes) -> None:
    assert "not UTF-8" in refusal(body)


@pytest.mark.parametrize(
    "body", [rb'{"a": "\ud800"}', rb'{"\uDC00": 1}', rb'[["x\ud83d"]]', rb'{"a": "\ud83dx\ude00"}']
)
def test_half_of_a_surrogate_pair_is_refused(body: bytes) -> None:
    assert "unpaired surrogate" in refusal(body)


def test_a_whole_pair_and_a_backslash_before_a_u_are_read() -> None:
    assert parse(rb'["\ud83d\ude00", "\\ud800"]') == ["\U0001f600", "\\ud800"]


def test_members_of_the_same_name_are_kept() -> None:
    assert parse(rb'{"a": 1, "\u0061": 2}') == Pairs([("a", 1), ("a", 2)])


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_refused(opening: bytes, closing: bytes) -> None:
    for depth in (DEEPEST_PARSED + 1, 5_000):
        assert f"too deeply: limit {DEEPEST}" in refusal(opening * depth + b"1" + closing * depth)
    assert f"too deeply: limit {DEEPEST}" in refusal(opening * 5_000)

    assert parse(opening * DEEPEST_PARSED + b"1" + closing * DEEPEST_PARSED)


@pytest.mark.parametrize("piece", [b"[", b"{", b"[],", b"{},", b'"",', b'"\\\\\\"",', b"0,", b'{"a":1},', b'"a":1,'])
def test_a_megabyte_of_pieces_is_refused_before_it_is_read(piece: bytes) -> None:
    with pytest.raises(TooManyFields):
        parse(b"[" + piece * (_MIB // len(piece)))


def test_a_long_text_may_have_commas_brackets_and_quotes() -> None:
    text = json.dumps([{"a": 1, "b": [2]}] * 20_000)

    assert parse(json.dumps({"body": text}).encode()) == Pairs([("body", text)])


def test_a_number_of_a_million_digits_is_refused() -> None:
    assert "a number that is too long" in refusal(b"1" * 1_000_000)
