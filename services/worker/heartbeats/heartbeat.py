"""The verdict on a heartbeat from its signals. Pure; times by the database's clock, in microseconds."""

from dataclasses import dataclass

from services.checks.grid import anchor_us, first_slot_at_or_after
from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.heartbeat import HeartbeatSpec
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from services.worker.judging.judge import Verdict

_UNITS = ((DAY_US, "d"), (HOUR_US, "h"), (MINUTE_US, "min"), (SECOND_US, "s"))
_MOST_UNITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatReport:
    """The signals of a heartbeat, as stored.

    Attributes:
        read_us: when they were read.
        on_us: since when the check is enabled; None if it is not.
        signal_us: when the last signal arrived; None if none ever has.
        success_us: when the last success arrived.
        exit_code: the exit code of the last signal: 0 for a success, None for a failure without one.
        failure_us: when the last failure arrived; None if none ever has.
        failure_code: the exit code of that failure; None without one.
        outage: the last span in which no worker could receive signals; it ends at read_us while it continues.
    """

    read_us: int
    on_us: int | None
    signal_us: int | None = None
    success_us: int | None = None
    exit_code: int | None = None
    failure_us: int | None = None
    failure_code: int | None = None
    outage: tuple[int, int] | None = None


def verdict_on(spec: HeartbeatSpec, reported: HeartbeatReport) -> Verdict:
    """Return the verdict on the signals.

    Signals count while they are no older than the allowed silence, or than the check has been enabled: signals during a
    pause count after it, but older failures do not. Without such a signal, silence is measured from when the check was
    enabled, and the verdict is open until it has lasted too long. It is open, too, while a signal may have been lost in
    an outage of the ingest.

    A failure that was followed by a success before the slot is reported by that slot, so that whether a failure is seen
    does not depend on the position of the grid.
    """
    now_us, allowed_us = reported.read_us, spec.period_us + spec.grace_us
    on_us = now_us if reported.on_us is None else reported.on_us
    tells_from_us = min(on_us, now_us - allowed_us)
    signal_us, success_us = reported.signal_us, reported.success_us
    if signal_us is not None and signal_us >= tells_from_us and reported.exit_code != 0:
        return _failed(f"the last signal, {span(now_us - signal_us)} ago,", reported.exit_code, "")
    if signal_us is not None and spec.is_slot and _failed_since_slot(spec, reported, signal_us, tells_from_us):
        ago = span(now_us - (reported.failure_us or now_us))
        return _failed(f"a signal {ago} ago", reported.failure_code, ", followed by a success")
    if success_us is not None and now_us - success_us <= allowed_us:
        return Verdict(outcome=Outcome.UP)
    heard_us = on_us if success_us is None else max(on_us, success_us)
    silent_us = now_us - heard_us
    due = f"expected every {span(spec.period_us)}" + (f", grace period {span(spec.grace_us)}" if spec.grace_us else "")
    if silent_us <= allowed_us:
        return Verdict(outcome=Outcome.ERROR, error_kind=ErrorKind.NO_SIGNAL_YET, message=f"no signal yet; {due}")
    silence = f"no signal for {span(silent_us)}"
    # A job without a signal since the check was enabled may send its first one at any moment.
    from_us = heard_us + allowed_us // 2 if heard_us == success_us else heard_us
    if reported.outage is not None and _may_be_lost(
        (from_us, heard_us + allowed_us), reported.outage, now_us - allowed_us
    ):
        return Verdict(
            outcome=Outcome.ERROR,
            error_kind=ErrorKind.NO_SIGNAL_YET,
            message=f"{silence}, but the monitor could not receive signals; {due}",
        )
    return Verdict(outcome=Outcome.DOWN, error_kind=ErrorKind.HEARTBEAT_OVERDUE, message=f"{silence}; {due}")


def _failed(which: str, exit_code: int | None, and_then: str) -> Verdict:
    code = "" if exit_code is None else f" with exit code {exit_code}"
    return Verdict(
        outcome=Outcome.DOWN,
        error_kind=ErrorKind.HEARTBEAT_FAILED,
        message=f"{which} reported a failure{code}{and_then}",
    )


def _failed_since_slot(spec: HeartbeatSpec, reported: HeartbeatReport, signal_us: int, tells_from_us: int) -> bool:
    """Return whether a failure arrived since the slot before the present one."""
    failure_us, now_us, every_us = reported.failure_us, reported.read_us, spec.slots_every_us(0)
    # A failure after the last signal is from before the clock was stepped back.
    if failure_us is None or not tells_from_us <= failure_us <= min(signal_us, now_us):
        return False
    anchor = 0 if spec.of_check is None else anchor_us(spec.of_check[1], every_us)
    return failure_us > first_slot_at_or_after(anchor, every_us, now_us - 2 * every_us + 1)


def _may_be_lost(due: tuple[int, int], outage: tuple[int, int], long_ago_us: int) -> bool:
    """Return whether an outage may explain that no signal arrived for too long.

    An outage swallows the signals of a punctual job that were due in it. If it had ended in the first half of the
    allowed time, another signal would have arrived in the second half; if it had begun after the allowed time, one
    would have arrived before it. After the outage the job has the full allowed time again.

    Args:
        due: the span in which an outage may swallow the last signal that could have been in time.
        outage: the outage.
        long_ago_us: an outage that ended before this is no explanation.
    """
    return outage[0] <= due[1] and outage[1] > due[0] and outage[1] >= long_ago_us


def span(span_us: int) -> str:
    """Return a span in words, truncated after its two largest units: "25 h" is "1 d 1 h"."""
    words: list[str] = []
    for unit_us, name in _UNITS:
        count, span_us = divmod(max(0, span_us), unit_us)
        if words and not count:
            break
        if count:
            words.append(f"{count} {name}")
        if len(words) == _MOST_UNITS:
            break
    return " ".join(words) or "0 s"
