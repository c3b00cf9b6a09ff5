"""What one run saw on its way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from services.checks.assertion_outcome import AssertionOutcome
from services.checks.failed_attempt import FailedAttempt
from services.checks.outcome import ErrorKind, Outcome

_T = TypeVar("_T")
OnPhase = Callable[[str, int], None]
"""Told each phase (dns, connect, tls, ttfb, transfer) and its microseconds when it ends."""


class OffLoop(Protocol):
    """Runs work that takes long off the event loop; the run's time stands still meanwhile."""

    async def __call__(self, work: Callable[[], _T]) -> _T:
        """Return what the work returns, or raise what it raises."""


@dataclass(slots=True, kw_only=True)
class Observation:
    """What a run saw; phases are those of the last hop of the last attempt, total_us is over all (semantics.md §8).

    One object for the whole run, filled in as it goes on, so that a run that is cut off tells how far it came. A phase
    that was not reached stays None, never 0.

    Attributes:
        outcome: how it ended.
        error_kind: why it did not end UP.
        error_message: the same in words, without secrets, cut to size.
        status_code: the answer's; None without an answer.
        dns_us: resolving the name; None for a literal address.
        connect_us: making the connection that was used.
        tls_us: the handshake; None for http.
        ttfb_us: from the request's last byte to the answer's first.
        transfer_us: from the answer's first byte to its last; None when the answer was cut off.
        total_us: the whole run, retries and redirects included, without the pauses before retries.
        resolved_ip: the address that was dialled.
        http_version: the answer's, such as "1.1".
        tls_version: as agreed on, such as "1.3"; None for http.
        tls_not_after: when the certificate expires.
        tls_warning: what browsers would refuse about a certificate that was accepted; None for nothing.
        body_bytes: how much of a body was read, as it came over the wire; None without an answer.
        redirects: how many were followed.
        attempt: which attempt this is, from 1.
        failed_assertions: those that failed.
        failed_attempts: the attempts that failed before this one.
        skipped_attempts: how many further ones did not fit into the timeout.
        slow: whether it is UP, and took longer than a limit that only flags it.
        shakes_hands: whether a TLS handshake is under way.
        asks: whether a question is under way that needs no connection.
        names_were_silent: whether the run was cut off while it waited for our name servers, and none of them was heard.
        cpu_ns: processor time of the event loop that was measured: handshakes and judging.
        waited_ns: how long the run waited for the monitor itself, pauses before retries included, which counts for no
            figure of the target.
        off_loop: where work goes that takes long; None where it may be done at once.
        on_phase: told each phase as it ends.
    """

    outcome: Outcome = Outcome.ERROR
    error_kind: ErrorKind | None = None
    error_message: str = ""
    status_code: int | None = None
    dns_us: int | None = None
    connect_us: int | None = None
    tls_us: int | None = None
    ttfb_us: int | None = None
    transfer_us: int | None = None
    total_us: int = 0
    resolved_ip: str | None = None
    http_version: str | None = None
    tls_version: str | None = None
    tls_not_after: datetime | None = None
    tls_warning: str | None = None
    body_bytes: int | None = None
    redirects: int = 0
    attempt: int = 1
    failed_assertions: tuple[AssertionOutcome, ...] = ()
    slow: bool = False
    failed_attempts: tuple[FailedAttempt, ...] = ()
    skipped_attempts: int = 0
    shakes_hands: bool = False
    asks: bool = False
    names_were_silent: bool = False
    cpu_ns: int = field(default=0, repr=False, compare=False)
    waited_ns: int = field(default=0, repr=False, compare=False)
    off_loop: OffLoop | None = field(default=None, repr=False, compare=False)
    on_phase: OnPhase | None = field(default=None, repr=False, compare=False)

    def tell(self, phase: str, elapsed_us: int) -> None:
        """A phase ended."""
        setattr(self, f"{phase}_us", elapsed_us)
        if self.on_phase is not None:
            self.on_phase(phase, elapsed_us)

    def next_attempt(self, failed: FailedAttempt) -> None:
        """Another attempt begins, since one failed."""
        self.failed_attempts = (*self.failed_attempts, failed)
        self.attempt += 1
        self.redirects = 0
        self.names_were_silent = False
        self._forget_hop()

    def next_hop(self) -> None:
        """A redirect is followed."""
        self.redirects += 1
        self._forget_hop()

    def next_connection(self) -> None:
        """The same is tried over another connection."""
        self.connect_us = self.tls_us = self.tls_version = self.tls_not_after = self.tls_warning = None
        self.shakes_hands = False

    def _forget_hop(self) -> None:
        self.status_code = self.dns_us = self.connect_us = self.tls_us = self.ttfb_us = self.transfer_us = None
        self.resolved_ip = self.http_version = self.tls_version = None
        self.tls_not_after = self.tls_warning = None
        self.body_bytes = None
        self.shakes_hands = self.asks = False
