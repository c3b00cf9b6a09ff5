"""The observations of one run, without a verdict, which services/worker/judging/ computes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from services.wire.body import Body

_T = TypeVar("_T")
OnPhase = Callable[[str, int], None]
"""Called at the end of each phase (dns, connect, tls, ttfb, transfer) with its microseconds."""


class OffLoopRunner(Protocol):
    """Runs CPU-bound work off the event loop; the time limit of the run is paused meanwhile."""

    async def __call__(self, work: Callable[[], _T]) -> _T:
        """Run work; return its result, or raise its exception."""


@dataclass(slots=True, kw_only=True)
class Observation:
    """The observations of a run; phases are those of the last hop of the last attempt (semantics.md §8).

    One object for the whole run, filled in as it proceeds, so that a cancelled run shows how far it came. A phase that
    was not reached is None, never 0.

    Attributes:
        status_code: the status code of the response; None without a response.
        headers: names and values of the response, as received, where assertions may read them.
        body: the body of the response; None where nothing reads it.
        dns_us: name resolution; None for a literal address.
        connect_us: establishing the connection that was used.
        tls_us: the TLS handshake; None for http.
        ttfb_us: from the last byte of the request to the first one of the response.
        transfer_us: from the first byte of the response to its last one; None if it was truncated.
        total_us: the run so far, retries and redirects included, without the pauses before retries; None where it is
            not known.
        resolved_ip: the address that was dialled.
        http_version: the version of the response, such as "1.1".
        tls_version: the negotiated version, such as "1.3"; None for http.
        tls_not_after: when the certificate expires.
        tls_warning: what browsers would reject about an accepted certificate; None for nothing.
        body_bytes: how much of a body was read, as received; None without a response.
        redirects: how many redirects were followed.
        attempt: the number of the attempt, from 1.
        in_handshake: whether a TLS handshake is in progress.
        is_querying: whether a UDP query is in progress, which needs no connection.
        resolver_unresponsive: whether the run was cancelled while it waited for name servers, none of which responded.
        cpu_ns: CPU time of the event loop for handshakes and judging.
        waited_ns: how long the run waited for the monitor itself, pauses before retries included, which counts for no
            figure of the target.
        off_loop: runs CPU-bound work; None if it may run at once.
        on_phase: called at the end of each phase.
    """

    status_code: int | None = None
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: Body | None = None
    dns_us: int | None = None
    connect_us: int | None = None
    tls_us: int | None = None
    ttfb_us: int | None = None
    transfer_us: int | None = None
    total_us: int | None = None
    resolved_ip: str | None = None
    http_version: str | None = None
    tls_version: str | None = None
    tls_not_after: datetime | None = None
    tls_warning: str | None = None
    body_bytes: int | None = None
    redirects: int = 0
    attempt: int = 1
    in_handshake: bool = False
    is_querying: bool = False
    resolver_unresponsive: bool = False
    cpu_ns: int = field(default=0, repr=False, compare=False)
    waited_ns: int = field(default=0, repr=False, compare=False)
    off_loop: OffLoopRunner | None = field(default=None, repr=False, compare=False)
    on_phase: OnPhase | None = field(default=None, repr=False, compare=False)

    def record_phase(self, phase: str, elapsed_us: int) -> None:
        """Record the end of a phase."""
        setattr(self, f"{phase}_us", elapsed_us)
        if self.on_phase is not None:
            self.on_phase(phase, elapsed_us)

    def next_attempt(self) -> None:
        """Reset for another attempt, after a failed one."""
        self.attempt += 1
        self.redirects = 0
        self.resolver_unresponsive = False
        self._forget_hop()

    def next_hop(self) -> None:
        """Reset for the next hop of a redirect."""
        self.redirects += 1
        self._forget_hop()

    def next_connection(self) -> None:
        """Reset the connection for another one to the same server."""
        self.connect_us = self.tls_us = self.tls_version = self.tls_not_after = self.tls_warning = None
        self.in_handshake = False

    def _forget_hop(self) -> None:
        self.status_code = self.dns_us = self.connect_us = self.tls_us = self.ttfb_us = self.transfer_us = None
        self.resolved_ip = self.http_version = self.tls_version = None
        self.tls_not_after = self.tls_warning = None
        self.body_bytes = self.body = None
        self.headers = ()
        self.in_handshake = self.is_querying = False
