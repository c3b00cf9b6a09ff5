"""What of a check is a secret, what stands in its place, and how texts are kept free of it. Pure."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

HIDDEN = "[secret]"
"""Stands wherever a secret would; in an update it means the one that is stored there."""

# The dialects of Python and PostgreSQL read it alike, in upper or lower case.
HIDDEN_NAMES = (
    "^(proxy-)?authorization$|^cookie$|^x-auth|token|secret|passw|credential|signature"
    "|(api|access|auth|private)[-_]?key"
)
_HIDDEN_NAMES = re.compile(HIDDEN_NAMES, re.IGNORECASE)
_MOST_NAMES = 4_096
# What is shorter is found in any text, and hiding it would tell more than it hides.
_SHORTEST = 4


@lru_cache(maxsize=_MOST_NAMES)
def is_secret_name(name: str) -> bool:
    """Whether a header of this name carries a secret."""
    return _HIDDEN_NAMES.search(name) is not None


def forms(secret: str) -> Iterable[str]:
    """How a secret may turn up in what a target answers: as it is, and as JSON or a URL spells it."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret, safe="")


def parts_of_header(value: str) -> Iterable[str]:
    """What of a header's secret value may turn up alone: what follows a scheme, the values of cookies."""
    scheme, _, rest = value.partition(" ")
    if scheme.isalnum():
        yield rest  # of "Bearer …", "Basic …"
    for cookie in value.split(";"):
        yield cookie.partition("=")[2]


def masked(text: str, secrets: Iterable[str]) -> str:
    """A text with every secret in it hidden, those that overlap too; secrets of less than four characters stay.

    To be called before the text is cut to size: half a secret is not found.

    Args:
        text: what somebody else has written.
        secrets: as Spec.secrets() lists them.
    """
    spans = sorted(
        (found.start(), found.start() + len(secret))
        for secret in {each for each in secrets if len(each) >= _SHORTEST}
        if secret in text
        for found in re.finditer(f"(?={re.escape(secret)})", text)
    )
    pieces: list[str] = []
    end = 0
    for start, until in spans:
        if start > end or not pieces:
            pieces += [text[end:start], HIDDEN]
        end = max(end, until)
    return "".join([*pieces, text[end:]])
