"""The errors of REST requests."""

import json
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import MOST_VIOLATIONS, FieldViolation, InvalidArgument

MOST_FAULTS = MOST_VIOLATIONS
"""The maximum number of faults that are searched for."""
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONGEST_NAME = 64
_SHOWN = 3


def malformed_error(
    message: str, violations: Sequence[FieldViolation] = (), *, limit: int | None = None
) -> InvalidArgument:
    """Return REQUEST_MALFORMED; `limit` is the limit that the body as a whole exceeds, if any."""
    error = InvalidArgument(message, violations, reasons.ERROR_REASON_REQUEST_MALFORMED)
    if limit is not None:
        error.metadata["limit"] = str(limit)
    return error


def violations_error(violations: Sequence[FieldViolation]) -> InvalidArgument:
    """Return REQUEST_MALFORMED for some violations."""
    sentences = [f"{each.field}: {each.description}" for each in violations[:_SHOWN]]
    if len(violations) > _SHOWN:
        sentences.append(f"and {len(violations) - _SHOWN} more")
    return malformed_error("; ".join(sentences), violations)


def field_path(at: str, name: str) -> str:
    """Return the path of a field of the object at a path, in the client's spelling."""
    if _PLAIN.fullmatch(name):
        return f"{at}.{name}" if at else name
    return f"{at}[{json.dumps(shortened(name), ensure_ascii=False)}]"


def shortened(name: str) -> str:
    """Return a client's name, truncated to fit an error."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…"


def closest_name(name: str, names: Iterable[str]) -> str | None:
    """Return the known name that is most similar to a misspelt one; None if none is similar."""
    spelt = {_key(each): each for each in names}
    found = get_close_matches(_key(name[:_LONGEST_NAME]), spelt, n=1)
    return spelt[found[0]] if found else None


def _key(name: str) -> str:
    return name.lower().replace("_", "")
