"""The refresh token as a cookie, hidden from scripts and from other sites.

`__Host-` binds it to this host and to HTTPS, HttpOnly hides it from scripts, SameSite=Strict keeps other sites from
sending it. Only Refresh reads it, and CORS never admits cookies, so no other origin can read the response of Refresh. A
sibling subdomain counts as the same site, though: when the browser reports that the call comes from another origin
(Sec-Fetch-Site), the cookie is neither read nor set.
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from services.platform.clock import SECOND_US

NAME = "__Host-sentinel-refresh"
_ATTRIBUTES = "Path=/; HttpOnly; Secure; SameSite=Strict"
_OWN = {"", "same-origin", "none"}


def is_cross_origin(metadata: Mapping[str, str]) -> bool:
    """Return whether the browser reports that a page of another origin made the call."""
    return metadata.get("sec-fetch-site", "") not in _OWN


def read(metadata: Mapping[str, str]) -> str:
    """Return the refresh token from the call's cookies; empty if there is none, or if another origin made the call."""
    if is_cross_origin(metadata):
        return ""
    try:
        cookie = SimpleCookie(metadata.get("cookie", "")).get(NAME)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def write(refresh_token: str, expire_us: int, now_us: int) -> str:
    """Return the Set-Cookie value that stores the token."""
    return f"{NAME}={refresh_token}; {_ATTRIBUTES}; Max-Age={(expire_us - now_us) // SECOND_US}"


def clear() -> str:
    """Return the Set-Cookie value that deletes the token."""
    return f"{NAME}=; {_ATTRIBUTES}; Max-Age=0"
