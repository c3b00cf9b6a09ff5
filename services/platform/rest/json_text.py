"""JSON as RFC 8259 has it, and nothing more: what Envoy's parser lets through beside it is refused, and told why.

Linear in the size of the text. Objects keep all their members, so that a name given twice is refused by its path.
"""

import json
import re
from typing import Any, NoReturn, TypeAlias

from services.platform.errors import TooManyFields
from services.platform.json_depth import DEEPEST_PARSED, is_deeper
from services.platform.rest.faults import malformed
from services.platform.rpc.request_limits import MOST_FIELDS

DEEPEST = 64
"""How deep objects and lists may be nested; Envoy's parser goes no deeper."""
_COUNTED_FROM_BYTES = 64 * 1024
_NO_COMMA = "trailing comma before a closing bracket"
_HALF_A_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class Pairs(list[tuple[str, Any]]):
    """The members of an object, in their order, those of the same name too."""


Json: TypeAlias = "Pairs | list[Any] | str | int | float | bool | None"


def parse(body: bytes) -> Json:
    """Return the value that a body is.

    Raises:
        InvalidArgument: REQUEST_MALFORMED: it is not JSON, or nested too deep.
        TooManyFields: it has more fields than a request may have; only found in large ones.
    """
    if len(body) > _COUNTED_FROM_BYTES and _separators(body) > 2 * MOST_FIELDS:
        raise TooManyFields("fields", MOST_FIELDS, f"more than {MOST_FIELDS}")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise malformed(f"The request body is not valid JSON: it is not UTF-8 at byte {error.start}.") from None
    if is_deeper(body, DEEPEST_PARSED):
        raise malformed(f"The request body is nested too deeply: limit {DEEPEST} objects and lists.", limit=DEEPEST)
    try:
        value: Json = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise malformed(f"The request body is not valid JSON at {where}: {_why(text, error.pos)}.") from None
    except ValueError:  # a number of more digits than Python reads
        raise malformed("The request body contains a number that is too long.") from None
    if _HALF_A_PAIR.search(text):
        _refuse_half_pairs(text, value)
    return value


def _separators(body: bytes) -> int:
    """Return how many commas and opening brackets stand outside of texts: no fewer than half of the fields."""
    outside = b" ".join(body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')[::2])
    return outside.count(b",") + outside.count(b"[") + outside.count(b"{")


def _refuse_half_pairs(text: str, value: Json) -> None:
    """Refuse half of a surrogate pair, which no text of the contract can hold."""
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
                raise malformed(f"The request body contains an unpaired surrogate in a \\u escape{near}.") from None


def _why(text: str, at: int) -> str:
    """Say what is wrong with a text at a place, whichever version of Python found it."""
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
    raise malformed(
        f"The request body is not valid JSON: {name} is not a JSON value. Send it as a string where a field accepts it."
    )


_DECODER = json.JSONDecoder(object_pairs_hook=Pairs, parse_constant=_no_constant)
