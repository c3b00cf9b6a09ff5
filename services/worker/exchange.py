"""What one request showed on its way: phases, addresses, and how it failed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import httpx

from services.common.outcome import ErrorKind

LONGEST_MESSAGE = 256

OnPhase = Callable[[str, int], None]
"""Told each phase (dns, connect, tls, ttfb, transfer) and its microseconds when it ends."""


@dataclass(slots=True)
class Exchange:
    """Filled in as a request goes on; a phase that was not reached stays None, never 0 (semantics.md §8).

    Attributes:
        dns_us: resolving the name; None for a literal address.
        connect_us: making the connection.
        tls_us: the handshake; None for http.
        ttfb_us: from the request's last byte to the answer's first.
        transfer_us: from the answer's first byte to its last; None when the answer was cut off.
        resolved_ip: the address that was dialled.
        http_version: the answer's, such as "1.1".
        tls_not_after: when the certificate expires.
        body_bytes: how much of a body was read; None without an answer.
        truncated: whether the body was cut off at the limit.
        on_phase: told each phase as it ends.
    """

    dns_us: int | None = None
    connect_us: int | None = None
    tls_us: int | None = None
    ttfb_us: int | None = None
    transfer_us: int | None = None
    resolved_ip: str | None = None
    http_version: str | None = None
    tls_not_after: datetime | None = None
    body_bytes: int | None = None
    truncated: bool = False
    on_phase: OnPhase | None = None

    def ended(self, phase: str, elapsed_us: int) -> None:
        """A phase has ended."""
        setattr(self, f"{phase}_us", elapsed_us)
        if self.on_phase is not None:
            self.on_phase(phase, elapsed_us)


class ProbeFailure(httpx.TransportError):
    """A request got no usable answer.

    Attributes:
        kind: why, as results say it.
        sentence: the same in words, without secrets, cut to size.
    """

    def __init__(self, kind: ErrorKind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence[:LONGEST_MESSAGE]
