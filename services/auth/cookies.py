"""The refresh token as a browser keeps it: a cookie that no script reads and no other site sends.

`__Host-` ties it to this host and to HTTPS, HttpOnly hides it from scripts, SameSite=Strict keeps other sites from
sending it. Only Refresh reads it, and CORS never admits cookies, so no page elsewhere can read what Refresh answers. A
sibling subdomain counts as the same site, though: when the browser itself says that the call comes from anywhere but
our own origin (Sec-Fetch-Site), the cookie is neither read nor set.
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from services.platform.clock import SECOND_US

NAME = "__Host-sentinel-refresh"
_ATTRIBUTES = "Path=/; HttpOnly; Secure; SameSite=Strict"
_OWN = {"", "same-origin", "none"}


def from_elsewhere(metadata: Mapping[str, str]) -> bool:
    """Whether a browser says that a page of another origin made it call."""
    return metadata.get("sec-fetch-site", "") not in _OWN


def read(metadata: Mapping[str, str]) -> str:
    """The refresh token in the call's cookies; empty if there is none, or if it must not count."""
    if from_elsewhere(metadata):
        return ""
    try:
        cookie = SimpleCookie(metadata.get("cookie", "")).get(NAME)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def write(refresh_token: str, expire_us: int, now_us: int) -> str:
    """The header's value that makes a browser keep the token."""
    return f"{NAME}={refresh_token}; {_ATTRIBUTES}; Max-Age={(expire_us - now_us) // SECOND_US}"


def clear() -> str:
    """The header's value that makes a browser forget it."""
    return f"{NAME}=; {_ATTRIBUTES}; Max-Age=0"
