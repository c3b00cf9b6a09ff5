"""What an attempt observed, for people to see: cut to size, without the check's secrets."""

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
# Masked before it is cut: a secret that begins in what is shown ends in here.
_LOOKED_AT = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptReport:
    """What an attempt observed.

    Attributes:
        attempt: which one, from 1.
        resolved_ip: the address that was dialled.
        status_code: the answer's.
        headers: the first of them.
        preview: how the decoded body begins, as text.
        is_cut: whether there is more of it.
        tls_not_after: when the certificate expires.
        assertions: what each came to.
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
    """Return what an attempt observed, and what each assertion of the check comes to on it.

    Args:
        wanted: what the check expects.
        seen: what was observed.
        now_us: the time, for what expires.
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
    """A body that breaks its coding shows nothing; the verdict says why."""
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
