"""The secrets of a check: which headers are secret, the placeholder for secrets, and masking in texts. Pure."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

HIDDEN = "[secret]"
"""The placeholder for a secret in output; in an update it keeps the stored secret."""

# Python and PostgreSQL evaluate this expression alike, both case-insensitively.
HIDDEN_NAMES = (
    "^(proxy-)?authorization$|^cookie$|^x-auth|token|secret|passw|credential|signature"
    "|(api|access|auth|private)[-_]?key"
)
_HIDDEN_NAMES = re.compile(HIDDEN_NAMES, re.IGNORECASE)
_MOST_NAMES = 4_096
# Shorter secrets occur in any text by chance, and masking them would reveal more than it hides.
_SHORTEST = 4


@lru_cache(maxsize=_MOST_NAMES)
def is_secret_name(name: str) -> bool:
    """Return whether the name of a header indicates a secret, such as "Authorization" or "X-Api-Key"."""
    return _HIDDEN_NAMES.search(name) is not None


def encoded_forms(secret: str) -> Iterable[str]:
    """Yield the forms in which a response may contain a secret: verbatim, escaped in JSON, percent-encoded."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret, safe="")


def parts_of_header(value: str) -> Iterable[str]:
    """Yield the parts of a secret header that a response may contain alone: what follows a scheme, cookie values."""
    scheme, _, rest = value.partition(" ")
    if scheme.isalnum():
        yield rest  # the credentials after "Bearer" or "Basic"
    for cookie in value.split(";"):
        yield cookie.partition("=")[2]


def masked(text: str, secrets: Iterable[str]) -> str:
    """Replace every secret in a text by HIDDEN, including overlapping ones; ignore secrets of less than 4 characters.

    Call this before truncating the text: a truncated secret is not found.

    Args:
        text: an untrusted text, such as a part of a response.
        secrets: the result of `Spec.secrets`.
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
