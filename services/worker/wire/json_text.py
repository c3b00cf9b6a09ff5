"""JSON as real servers send it, and as the text that stands in it. Pure."""

import json
from typing import Any

import orjson

_SURROGATE = (b"\\ud", b"\\uD")


class Literal(str):
    """A number as it stands in the document."""

    __slots__ = ()


def loads(data: bytes) -> Any:  # noqa: ANN401 — any JSON
    r"""Return what valid UTF-8 says as JSON.

    A string may hold half a surrogate pair, written as \ud83d (RFC 8259 §8.2); orjson refuses it.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if not any(each in data for each in _SURROGATE):
            raise
    return _loads(data)


def loads_literals(data: bytes) -> Any:  # noqa: ANN401 — any JSON
    """Return the same with each number as a Literal.

    Raises:
        ValueError: it is not JSON.
    """
    return _loads(data, parse_int=Literal, parse_float=Literal)


def _loads(data: bytes, **hooks: Any) -> Any:  # noqa: ANN401 — any JSON
    try:
        return json.loads(data.decode(), parse_constant=_refuse, **hooks)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
