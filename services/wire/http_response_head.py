"""The head of an HTTP response: status line, headers, and the framing of the body (docs/adr/0036). Pure.

It accepts what curl accepts. An ambiguous framing of the body is refused; each error names line and value.
"""

import re
from collections.abc import Callable, Sequence

from services.checks.outcome import ErrorKind
from services.wire.probe_failure import ProbeFailure

Headers = list[tuple[bytes, bytes]]
Head = tuple[int, str, Headers, int | None, bool]
"""Status code; version of HTTP, such as "1.1"; names and values, without surrounding white space and with folds joined;
the length of the body, None if not declared; whether it is chunked, regardless of the length.

A plain tuple, because every probe creates one.
"""

REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})
_PREFIX = b"HTTP/"
_STATUS_LINE = re.compile(rb"HTTP/(0\.9|1\.[01]|[23](?:\.0)?)[ \t]+([1-9][0-9]{2})(?![0-9])", re.IGNORECASE)
# Nearly all heads match: nothing to correct, and nothing to refuse.
_ORDINARY = re.compile(rb"HTTP/1\.([01]) ([2-9][0-9]{2})(?: [^\0\n]*)?\r\n(?:[!-9;-~]+:[^\0\n]*\r\n)*\r\n")
_FRAMING = re.compile(rb"\n(?:content-length|transfer-encoding):([^\n]*)", re.IGNORECASE)
_VERSIONS = {b"1.1": "1.1", b"1.0": "1.0"}
_DIGITS = re.compile(rb"[0-9]{1,64}")
_WHITE = b" \t\r"
_FOLDS = (b" ", b"\t")
# A length from here on exceeds any body: like curl, read until the connection ends.
NO_LENGTH = 2**63
_SURE_DIGITS = 18


def location_of(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the first Location that is not empty; empty if there is none."""
    return next((value for name, value in headers if value and name.lower() == b"location"), b"")


def quoted(data: bytes) -> str:
    """Return the first line of a target's data in printable form, for a message.

    It is not truncated: secrets are masked before a message is truncated.
    """
    text = data.partition(b"\n")[0].rstrip(b"\r").decode("utf-8", "backslashreplace")
    return '"' + "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in text) + '"'


def refusal(sentence: str) -> ProbeFailure:
    """Return the failure for an invalid HTTP response."""
    return ProbeFailure(ErrorKind.PROTOCOL, f"invalid HTTP response: {sentence}")


def refuse_other_protocols(start: bytes) -> None:
    """Refuse data that does not begin like an HTTP response, as early as possible.

    Args:
        start: the data so far.

    Raises:
        ProbeFailure: PROTOCOL.
    """
    if not _PREFIX.startswith(start[: len(_PREFIX)].upper()):
        raise refusal(f"it begins with {quoted(start)}")
    if b"\n" in start and _STATUS_LINE.match(start) is None:
        raise refusal(f"malformed status line {quoted(start)}")


def read_ordinary(data: bytes) -> tuple[int, int, str, int | None, bool] | None:
    """Parse an ordinary head, at half the cost of read_head; return None for any other one.

    Returns:
        The end of the head; the status code; the version of HTTP; the declared length of the body, if any; whether it
        is chunked.
    """
    found = _ORDINARY.match(data)
    if found is None:
        return None
    end = found.end()
    framing = _FRAMING.findall(data, 0, end)
    length: int | None = None
    is_chunked = False
    if framing:
        value = framing[0].strip(_WHITE)
        if len(framing) > 1:
            return None
        if value.isdigit() and len(value) <= _SURE_DIGITS:
            length = int(value)
        elif value == b"chunked":
            is_chunked = True
        else:
            return None
    minor, status = found.groups()
    return end, int(status), "1.1" if minor == b"1" else "1.0", length, is_chunked


def read_head(head: bytes) -> Head:
    """Parse a head, from the status line on, without the line break of the last header.

    Raises:
        ProbeFailure: PROTOCOL, for an invalid status line, header or length, and for a NUL byte.
    """
    found = _STATUS_LINE.match(head)
    if found is None:
        refuse_other_protocols(head + b"\n")
    version, status = found.groups()  # type: ignore[union-attr] # the line above raises
    if b"\0" in head:
        raise _refused_line(head, "a NUL byte", lambda line: b"\0" in line)
    lines = head.split(b"\n")
    del lines[0]
    # White space sorts before every name: one pass over all lines.
    if lines and min(lines) < b"!":
        lines = _unfolded(lines)
    headers: Headers = []
    length: int | None = None
    is_chunked = False
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise _refused_line(head, "no colon", lambda each: b":" not in each and not each.startswith(_FOLDS), 2)
        name, value = name.rstrip(), value.strip(_WHITE)
        headers.append((name, value))
        size = len(name)
        if size == 14 and name.lower() == b"content-length":  # noqa: PLR2004 — its size, cheaper than its name
            length = _length(value, length)
        elif size == 17 and name.lower() == b"transfer-encoding":  # noqa: PLR2004 — as above
            is_chunked = is_chunked or _names_chunked(value)
    return int(status), _VERSIONS.get(version) or version.decode(), headers, length, is_chunked


def _length(value: bytes, before: int | None) -> int | None:
    """Return a Content-Length; repeated values have to be equal (RFC 9110 §8.6)."""
    if before is None and value.isdigit() and len(value) <= _SURE_DIGITS:
        return int(value)  # as in nearly all responses
    for part in value.split(b","):
        digits = part.strip(_WHITE)
        if _DIGITS.fullmatch(digits) is None:
            raise refusal(f"Content-Length is not an integer: {quoted(value)}")
        length = min(int(digits), NO_LENGTH)
        if before is not None and length != before:
            raise refusal(f"conflicting Content-Length values {before} and {length}")
        before = length
    return before


def _names_chunked(value: bytes) -> bool:
    """Return whether transfer codings include chunked; the other ones do not affect where the body ends."""
    return any(part.partition(b";")[0].strip(_WHITE) == b"chunked" for part in value.lower().split(b","))


def _unfolded(lines: Sequence[bytes]) -> list[bytes]:
    """Return each header in one line, with a space for each fold (RFC 9112 §5.2)."""
    whole: list[list[bytes]] = []
    for line in lines:
        if not line.startswith(_FOLDS):
            whole.append([line.rstrip(_WHITE)])
        elif whole:
            whole[-1].append(line.strip(_WHITE))
        elif b":" in line:
            whole.append([line.strip(_WHITE)])  # it is the first line: curl takes it as a header
    return [b" ".join(parts) for parts in whole]


def _refused_line(head: bytes, what: str, is_bad: Callable[[bytes], bool], first: int = 1) -> ProbeFailure:
    lines = head.split(b"\n")[first - 1 :]
    number, line = next((number, line) for number, line in enumerate(lines, first) if is_bad(line))
    return refusal(f"header line {number} has {what}: {quoted(line)}")
