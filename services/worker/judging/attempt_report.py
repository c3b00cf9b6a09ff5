"""The report of an attempt to users: what it observed, truncated, with the check's secrets masked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.checks.assertion_outcome import AssertionOutcome
from services.checks.specs.secrets import masked
from services.checks.specs.spec import Spec
from services.wire.body import Body
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.worker.judging.judge import outcomes

_MOST_HEADERS = 64
_LONGEST_HEADER = 1_024
_PREVIEW = 4_096
# The text is masked before it is truncated. A secret that begins in the preview ends within this many bytes.
_LOOKED_AT = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptReport:
    """What an attempt observed.

    Attributes:
        attempt: the number of the attempt, from 1.
        resolved_ip: the address that was dialled; empty if none was.
        status_code: the status of the response; None without one.
        headers: names and values of the first 64 headers, each value truncated to 1,024 characters.
        preview: the first 4,096 characters of the decoded body.
        is_cut: whether the body is longer than the preview.
        tls_not_after: when the certificate expires; None without TLS.
        assertions: the outcome of each assertion.
    """

    attempt: int
    resolved_ip: str
    status_code: int | None
    headers: Sequence[tuple[str, str]]
    preview: str
    is_cut: bool
    tls_not_after: datetime | None
    assertions: Sequence[AssertionOutcome]


def report_of(wanted: Spec, seen: Observation, now_us: int) -> AttemptReport:
    """Return the report of an attempt, with the outcome of each assertion of the check.

    Args:
        wanted: the spec of the check.
        seen: the observations of the attempt.
        now_us: the present time in microseconds since the epoch, for certificates.
    """
    secrets = wanted.secrets()
    preview, is_cut = _preview(seen.body, secrets)
    return AttemptReport(
        attempt=seen.attempt,
        resolved_ip=seen.resolved_ip or "",
        status_code=seen.status_code,
        headers=[(_text(name), masked(_text(value), secrets)[:_LONGEST_HEADER]) for name, value in seen.headers][
            :_MOST_HEADERS
        ],
        preview=preview,
        is_cut=is_cut,
        tls_not_after=seen.tls_not_after,
        assertions=outcomes(wanted, seen, now_us),
    )


def _preview(body: Body | None, secrets: Sequence[str]) -> tuple[str, bool]:
    """Return the preview and whether it is truncated; empty if the body cannot be decoded."""
    if body is None:
        return "", False
    try:
        data, truncated = body.read()
    except ProbeFailure:
        return "", False
    text = masked(data[:_LOOKED_AT].decode(errors="replace"), secrets)
    return text[:_PREVIEW], truncated or len(data) > _LOOKED_AT or len(text) > _PREVIEW


def _text(header: bytes) -> str:
    return header.decode("latin-1")
