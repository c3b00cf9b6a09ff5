"""JSON as defined by RFC 8259; extensions that Envoy's parser accepts are refused with an explanation.

Linear in the size of the text. Objects keep all their members, so that a duplicate name is refused by its path.
"""

import json
import re
from typing import Any, NoReturn, TypeAlias

from services.platform.errors import TooManyFields
from services.platform.json_depth import DEEPEST_PARSED, is_deeper
from services.platform.rest.faults import malformed_error
from services.platform.rpc.request_limits import MOST_FIELDS

DEEPEST = 64
"""The maximum nesting of objects and lists, as in Envoy's parser."""
_COUNTED_FROM_BYTES = 64 * 1024
_NO_COMMA = "trailing comma before a closing bracket"
_HALF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class Pairs(list[tuple[str, Any]]):
    """The members of an object in their order, duplicate names included."""


Json: TypeAlias = "Pairs | list[Any] | str | int | float | bool | None"


def parse(body: bytes) -> Json:
    """Parse a body.

    Raises:
        InvalidArgument: REQUEST_MALFORMED: it is not JSON, or nested too deeply.
        TooManyFields: it has more fields than a request may have; only detected in large bodies.
    """
    if len(body) > _COUNTED_FROM_BYTES and _separators(body) > 2 * MOST_FIELDS:
        raise TooManyFields("fields", MOST_FIELDS, f"more than {MOST_FIELDS}")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise malformed_error(f"The request body is not valid JSON: it is not UTF-8 at byte {error.start}.") from None
    if is_deeper(body, DEEPEST_PARSED):
        raise malformed_error(
            f"The request body is nested too deeply: limit {DEEPEST} objects and lists.", limit=DEEPEST
        )
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise malformed_error(f"The request body is not valid JSON at {where}: {_why(text, error.pos)}.") from None
    except ValueError:  # a number with more digits than Python converts
        raise malformed_error("The request body contains a number that is too long.") from None
    if _HALF_A_PAIR.search(text):
        _refuse_half_pairs(text, value)
    return value


def _separators(body: bytes) -> int:
    """Return the number of commas and opening brackets outside strings, which is at least half the number of fields."""
    outside = b" ".join(body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])
    return outside.count(b",") + outside.count(b"[") + outside.count(b"{")


def _refuse_half_pairs(text: str, value: Json) -> None:
    """Refuse an unpaired surrogate, which no string of the contract can contain."""
    waiting: list[Any] = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Pairs):
            for pair in each:
                waiting += pair
        elif isinstance(each, list):
            waiting += each
        elif isinstance(each, str):
            try:
                each.encode()
            except UnicodeEncodeError:
                at = _HALF_A_PAIR.search(text)
                near = f" (first at character {at.start()})" if at else ""
                raise malformed_error(
                    f"The request body contains an unpaired surrogate in a \\u escape{near}."
                ) from None


def _why(text: str, at: int) -> str:
    """Return what is wrong with a text at a position, independent of the version of Python."""
    found, before, after = text[at : at + 1], text[:at].rstrip()[-1:], text[at + 1 :].lstrip()[:1]
    reasons = (
        (not found, "unexpected end of input"),
        (found in "}]" and before == ",", _NO_COMMA),
        (found == "," and after in {"}", "]"}, _NO_COMMA),
        (found == "'", "names and strings must be in double quotes, not single quotes"),
        (found == "\ufeff", "byte order marks are not allowed"),
        (found < " ", "control characters in strings must be escaped, such as \\n"),
        (found in "/#", "comments are not allowed"),
        ("\\" in {found, before}, "invalid escape sequence"),
        (found == '"', "unterminated string, or a missing comma before it"),
        (
            found.isalpha() or found in "_$",
            "names and strings must be in double quotes; the only literals are true, false and null",
        ),
    )
    return next((reason for holds, reason in reasons if holds), "expected a value, a name or a comma")


def _no_constant(name: str) -> NoReturn:
    raise malformed_error(
        f"The request body is not valid JSON: {name} is not a JSON value. Send it as a string where a field accepts it."
    )


_DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_constant=_no_constant)
