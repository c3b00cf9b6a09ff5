"""JSON as real servers send it, optionally with numbers as text. Pure."""

import json
import re
from typing import Any

import orjson

from services.platform.json_depth import DEEPEST_PARSED, is_deeper

MOST_VALUES_OF_DEEP = 20_000
"""The maximum number of values of a document that is nested deeper than the parsers support: it is read ten times
slower."""
_WHITE = " \t\n\r"
# The beginning of a value: a bracket, and one that closes it at once. The end of a value or name: what follows it.
_OPENING = re.compile(rf"[{_WHITE}]*([\[{{]?)[{_WHITE}]*([\]}}]?)")
_EMPTY = frozenset({"[]", "{}"})
_MARK = re.compile(rf"[{_WHITE}]*([\]}},:]?)()[{_WHITE}]*")


class TooDeepError(ValueError):
    """A document is nested deeper than the parsers support, and too large for the slow parser."""


class Literal(str):
    """A number as it is written in the document."""

    __slots__ = ()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


# Numbers are doubles, as in JSON.parse: Python reads no integers of more than 4,300 digits.
_DOUBLES = json.JSONDecoder(parse_int=float, parse_constant=_refuse)
_LITERALS = json.JSONDecoder(parse_int=Literal, parse_float=Literal, parse_constant=_refuse)


def loads(data: bytes) -> Any:  # noqa: ANN401 — any JSON
    r"""Parse valid UTF-8 as JSON, like JSON.parse.

    orjson refuses some of it: unpaired surrogates, written as \ud83d (RFC 8259 §8.2); numbers beyond the doubles, such
    as 1e400 or 400 digits, which are infinite; nesting deeper than 1,024.

    Raises:
        ValueError: it is not JSON.
        TooDeepError: it cannot be decided whether it is.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _decoded(data, _DOUBLES)


def loads_literals(data: bytes) -> Any:  # noqa: ANN401 — any JSON
    """Parse valid UTF-8 as JSON, with each number as a Literal.

    Raises:
        ValueError: as loads.
    """
    return _decoded(data, _LITERALS)


def _decoded(data: bytes, decoder: json.JSONDecoder) -> Any:  # noqa: ANN401 — any JSON
    text = data.decode()
    return _deep(text, decoder) if is_deeper(data, DEEPEST_PARSED) else decoder.decode(text)


def _deep(text: str, decoder: json.JSONDecoder) -> Any:  # noqa: ANN401 — any JSON
    """Parse JSON without recursion.

    Raises:
        ValueError: as loads.
    """
    held: list[tuple[Any, str]] = []  # the open lists and objects, each with its own name in its parent
    name, at = "", 0
    for _ in range(MOST_VALUES_OF_DEEP):
        opening, closing, after = _found(_OPENING, text, at)
        value: Any = {} if opening == "{" else []
        if closing:
            if opening + closing not in _EMPTY:
                raise ValueError(f"no value before character {after}")
            at = after
        elif not opening:
            value, at = decoder.raw_decode(text, after)
        else:
            held.append((value, name))
            name, at = _name(text, after, decoder) if opening == "{" else ("", after)
            continue
        while held:  # the value is complete; if it is the last one, so is its parent
            holder, name_of_holder = held[-1]
            is_list = isinstance(holder, list)
            if is_list:
                holder.append(value)
            else:
                holder[name] = value
            mark, _, at = _found(_MARK, text, at)
            if mark == ",":
                name, at = ("", at) if is_list else _name(text, at, decoder)
                break
            if mark != ("]" if is_list else "}"):
                raise ValueError(f"no comma after the value before character {at}")
            held.pop()
            value, name = holder, name_of_holder
        else:
            if text[at:].strip(_WHITE):
                raise ValueError(f"more text from character {at} on")
            return value
    raise TooDeepError(f"nested deeply, and of more than {MOST_VALUES_OF_DEEP:,} values")


def _name(text: str, at: int, decoder: json.JSONDecoder) -> tuple[str, int]:
    """Return the name at an offset, and the offset of its value."""
    if text[at : at + 1] != '"':
        raise ValueError(f"no name at character {at}")
    name, at = decoder.raw_decode(text, at)
    colon, _, at = _found(_MARK, text, at)
    if colon != ":":
        raise ValueError(f"no colon before character {at}")
    return name, at


def _found(pattern: "re.Pattern[str]", text: str, at: int) -> tuple[str, str, int]:
    found = pattern.match(text, at)
    return found[1], found[2], found.end()  # type: ignore[index,union-attr] # it matches anything
