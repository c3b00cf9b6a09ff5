"""The next request after a redirect (RFC 9110 §15.4; docs/adr/0036). Pure."""

import base64
import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import unquote

import httpx

from services.checks.outcome import ErrorKind
from services.checks.specs.hosts import loose_address
from services.checks.specs.urls import read_url
from services.wire.http_request import PORTS, Headers, HttpRequest
from services.wire.http_response_head import REDIRECTS, location_of, quoted
from services.wire.probe_failure import ProbeFailure

_MOVED = frozenset({301, 302})
_SEE_OTHER = 303
# Headers belong to the first origin: only these, which contain no secrets, are sent to another one.
_HARMLESS = frozenset({"accept", "accept-encoding", "accept-language", "user-agent"})
_OF_THE_BODY = frozenset({"content-type", "content-encoding", "content-language"})
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
# The scheme, if it is http, https or none; slashes; what follows them, without query and fragment.
_BEGINNING = re.compile(r"(https?:|(?![a-z][a-z0-9+.-]*:))([/\\]*)([^?#]*)", re.IGNORECASE)
_IDEOGRAPHIC_STOP = "\N{IDEOGRAPHIC FULL STOP}"
# No host contains them, in any encoding (WHATWG URL §3.5).
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\"#%/:<>?@\[\\\]^`{|}]")


def next_hop(
    hop: HttpRequest, status: int, answered: Sequence[tuple[bytes, bytes]], first: HttpRequest | None = None
) -> HttpRequest | None:
    """Return the request of a redirect (status, headers); None for a response that is not a redirect to follow.

    The check's own headers and its client certificate are sent to its own origin only, also after a detour. Another
    origin gets the harmless headers, because any other one may contain a token, and the body if the method stays.

    Args:
        hop: the request.
        status: the status of the response.
        answered: the headers of the response.
        first: the check's own request; by default this one.

    Raises:
        ProbeFailure: PROTOCOL: its URL, host or port is invalid.
    """
    location = location_of(answered) if status in REDIRECTS else b""
    if not location:
        return None
    try:
        url = _read(location, hop.url)
    except ValueError as error:
        sentence = f"redirect cannot be followed: its location {error}: {quoted(location)}"
        raise ProbeFailure(ErrorKind.PROTOCOL, sentence) from None
    if url.scheme not in PORTS:
        return None
    first = first or hop
    method = hop.method
    if (status == _SEE_OTHER and method != "HEAD") or (status in _MOVED and method == "POST"):
        method = "GET"
    is_own = origin(url) == origin(first.url)
    keeps_body = method == first.method
    headers = tuple(
        (name, value)
        for name, value in first.headers
        if (is_own or name.lower() in _HARMLESS or (first.body and name.lower() in _OF_THE_BODY))
        and (keeps_body or name.lower() not in _OF_THE_BODY)
    )
    return HttpRequest(
        method=method,
        url=url,
        headers=_with_credentials(headers, url),
        body=first.body if keeps_body else b"",
        certificate=first.certificate if is_own else None,
    )


def _read(location: bytes, base: httpx.URL) -> httpx.URL:
    """Parse a Location, which may violate the URL syntax: raw UTF-8 and spaces, other bytes, control characters.

    An address as its host is converted to canonical form, so that the egress policy sees it.

    Raises:
        ValueError: it is not a URL that can be requested.
    """
    try:
        text = location.decode()
    except UnicodeDecodeError:
        text = "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in location)  # noqa: PLR2004 — end of ASCII
    text = _CONTROLS.sub(lambda found: f"%{ord(found[0]):02X}", text)
    # An empty query is omitted, as in curl; whether `join` does so depends on the version of Python.
    before, mark, query = text.partition("#")[0].partition("?")
    if mark and not query:
        if not before:
            return base.copy_with(query=None)
        text = before
    return read_url(_with_two_slashes(text, base.scheme), base)


def _with_two_slashes(text: str, scheme: str) -> str:
    """Return a Location with slashes for backslashes, and with two of them before a host.

    Raises:
        ValueError: it has no host where it needs one.
    """
    found = _BEGINNING.match(text)
    if found is None:
        return text
    named, slashes, path = found.groups()
    path, rest = path.replace("\\", "/"), text[found.end() :]
    if named and not slashes and named[:-1].lower() == scheme:
        return f"./{path}{rest}" if path else rest  # as in browsers: a path of the same host
    if not named and len(slashes) <= 1:
        return "/" * len(slashes) + path + rest
    authority, slash, path = path.partition("/")
    if not authority:
        raise ValueError("must contain a host")
    return f"{named}//{_with_plain_host(authority)}{slash}{path}{rest}"


def _with_plain_host(authority: str) -> str:
    """Return an authority with its host decoded: an address in canonical form, %31 as 1, and a full-width 1, too.

    Raises:
        ValueError: the host contains a forbidden character.
    """
    userinfo, at, place = authority.rpartition("@")
    host, colon, port = place.partition(":")
    if "%" in host or not host.isascii():
        host = unicodedata.normalize("NFKC", unquote(host)).replace(_IDEOGRAPHIC_STOP, ".")
        if _FORBIDDEN.search(host):
            raise ValueError("must not have forbidden characters in its host")
    return f"{userinfo}{at}{loose_address(host) or host}{colon}{port}"


def _with_credentials(headers: Headers, url: httpx.URL) -> Headers:
    """Return the headers with the credentials of a URL, as in browsers and curl, unless the check has its own."""
    if not url.userinfo or any(name.lower() == "authorization" for name, _ in headers):
        return headers
    credentials = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return (*headers, ("Authorization", f"Basic {credentials}"))


def shown(url: httpx.URL) -> str:
    """Return a URL without credentials."""
    return str(url.copy_with(userinfo=b"") if url.userinfo else url)


def origin(url: httpx.URL) -> tuple[str, str, int]:
    """Return scheme, host and port, which form an origin (RFC 6454 §4)."""
    return url.scheme, url.raw_host.decode("ascii"), url.port or PORTS[url.scheme]
