"""Cookies of redirects, sent within one run (RFC 6265, docs/adr/0036). Pure, and bounded.

No list of public suffixes is used: cookies that a target sets for a whole domain are discarded after the run.
"""

import re
from calendar import timegm
from collections.abc import Sequence
from email.utils import parsedate_tz
from typing import NamedTuple

from services.checks.specs.hosts import literal

MOST_COOKIES = 50
LARGEST_COOKIE = 4_096
_LARGEST_LINE = 8_192
_LONGEST_DATE = 64
LARGEST_HEADER = 8_192
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_WHITE = " \t"


class RequestTarget(NamedTuple):
    """The URL of a request, for the rules of cookies.

    Attributes:
        host: the host name in lower case, or the address, as in the Host header.
        path: the path without the query.
        secure: whether it is https.
    """

    host: str
    path: str
    secure: bool


class _Cookie(NamedTuple):
    """A stored cookie.

    Attributes:
        value: the value to send.
        domain: the domain that it is sent to.
        host_only: whether it is not sent to hosts below the domain.
        path: the path that it is sent to.
        secure: whether it is sent over https only.
    """

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    secure: bool

    def matches(self, page: RequestTarget) -> bool:
        return (
            (page.secure or not self.secure)
            and (page.host == self.domain if self.host_only else _is_within(page.host, self.domain))
            and _is_below(page.path, self.path)
        )


class Cookies:
    """The cookies of one run."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, str], _Cookie] = {}

    def store(self, page: RequestTarget, headers: Sequence[tuple[bytes, bytes]], now_s: float) -> None:
        """Store the cookies that a response sets, and remove those that it deletes."""
        lines = [value for name, value in headers if name.lower() == b"set-cookie" and len(value) <= _LARGEST_LINE]
        for line in lines[:MOST_COOKIES]:
            self._set(page, line.decode("latin-1"), now_s)

    def header(self, page: RequestTarget, own: str) -> str:
        """Return the Cookie header of a request; empty for none.

        Args:
            page: the URL of the request.
            own: the Cookie header of the check; stored cookies of the same name replace its own.
        """
        going = [each for each in self._kept.values() if each.matches(page)]
        names = {each.name for each in going}
        pairs = [pair.strip() for pair in own.split(";")]
        said = [pair for pair in pairs if pair and pair.partition("=")[0].strip() not in names]
        size = sum(len(pair) + 2 for pair in said)
        for cookie in sorted(going, key=lambda each: -len(each.path)):
            pair = f"{cookie.name}={cookie.value}"
            size += len(pair) + 2
            if size > LARGEST_HEADER:
                break
            said.append(pair)
        return "; ".join(said)

    def _set(self, page: RequestTarget, line: str, now_s: float) -> None:
        pair, *rest = line.split(";")
        name, equals, value = (part.strip(_WHITE) for part in pair.partition("="))
        if not (name and equals) or len(name) + len(value) > LARGEST_COOKIE or _CONTROLS.search(name + value):
            return
        attributes = {}
        for each in rest:
            key, _, said = each.partition("=")
            attributes[key.strip(_WHITE).lower()] = said.strip(_WHITE)  # the last one counts (RFC 6265 §5.3)
        domain = attributes.get("domain", "").removeprefix(".").lower()
        path = attributes.get("path", "")
        cookie = _Cookie(
            name=name,
            value=value,
            domain=domain or page.host,
            host_only=not domain or literal(page.host) is not None,
            path=path if path.startswith("/") else _folder(page.path),
            secure="secure" in attributes,
        )
        if not _may_set(cookie, page, has_domain=bool(domain)):
            return
        place = (cookie.domain, cookie.path, name)
        if _is_expired(attributes, now_s):
            self._kept.pop(place, None)
        elif place in self._kept or len(self._kept) < MOST_COOKIES:
            self._kept[place] = cookie


def _may_set(cookie: _Cookie, page: RequestTarget, *, has_domain: bool) -> bool:
    """Return whether a page may set a cookie (RFC 6265 §5.3; for Secure and the prefixes RFC 6265bis §5.7)."""
    if not _is_within(page.host, cookie.domain) or (has_domain and "." not in cookie.domain != page.host):
        return False
    lowered = cookie.name.lower()
    if (cookie.secure or lowered.startswith("__secure-")) and not (cookie.secure and page.secure):
        return False
    return not lowered.startswith("__host-") or (cookie.secure and cookie.path == "/" and not has_domain)


def _is_expired(attributes: dict[str, str], now_s: float) -> bool:
    """Return whether a cookie is set to be deleted; Max-Age takes precedence over Expires."""
    age = attributes.get("max-age", "")
    if age.removeprefix("-").isdecimal():
        return age.startswith("-") or not age.strip("0")
    date = parsedate_tz(attributes.get("expires", "")[:_LONGEST_DATE])
    if date is None:
        return False
    try:
        return timegm((*date[:6], 0, 0, 0)) - (date[9] or 0) <= now_s
    except (ValueError, OverflowError):
        return False


def _is_within(host: str, domain: str) -> bool:
    """Return whether a host is a domain or below it; an address is below nothing (RFC 6265 §5.1.3)."""
    return host == domain or (host.endswith(f".{domain}") and literal(host) is None)


def _is_below(path: str, other: str) -> bool:
    """Return whether a path is another one or below it (RFC 6265 §5.1.4)."""
    return path == other or (path.startswith(other) and (other.endswith("/") or path[len(other)] == "/"))


def _folder(path: str) -> str:
    """Return the default path of a cookie (RFC 6265 §5.1.4)."""
    return path[: path.rfind("/")] or "/"
