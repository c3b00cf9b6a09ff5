"""Parser of the ClientHello that this client sends (RFC 8446 §4.1.2). Pure."""

import ssl
from collections.abc import Iterator
from contextlib import suppress

_RECORD_AND_HANDSHAKE, _VERSION_AND_RANDOM = 9, 34
_SUPPORTED_GROUPS = 10
FINITE_FIELDS = range(0x0100, 0x0200)
"""The groups over finite fields (RFC 7919)."""


def offered_groups(context: ssl.SSLContext) -> list[int]:
    """Return the key exchange groups that a context offers, by number."""
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="x.invalid")
    with suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return groups_of(outgoing.read())


def groups_of(hello: bytes) -> list[int]:
    """Return the groups that a ClientHello offers, given as on the wire."""
    for kind, content in _extensions(hello):
        if kind == _SUPPORTED_GROUPS:
            return [int.from_bytes(content[at : at + 2], "big") for at in range(2, len(content), 2)]
    return []


def _extensions(hello: bytes) -> Iterator[tuple[int, bytes]]:
    at = _RECORD_AND_HANDSHAKE + _VERSION_AND_RANDOM
    at += 1 + hello[at]  # the session id
    at += 2 + int.from_bytes(hello[at : at + 2], "big")  # cipher suites
    at += 1 + hello[at]  # compression methods
    at += 2
    while at < len(hello):
        kind, size = int.from_bytes(hello[at : at + 2], "big"), int.from_bytes(hello[at + 2 : at + 4], "big")
        yield kind, hello[at + 4 : at + 4 + size]
        at += 4 + size
