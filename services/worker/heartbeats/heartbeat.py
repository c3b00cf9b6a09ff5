"""What was reported of a heartbeat, and what that comes to. Pure; time is that of the database, in microseconds."""

from dataclasses import dataclass

from services.checks.grid import anchor_us, first_slot_at_or_after
from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.heartbeat import HeartbeatSpec
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from services.worker.judging.judge import Verdict

_UNITS = ((DAY_US, "d"), (HOUR_US, "h"), (MINUTE_US, "min"), (SECOND_US, "s"))
_MOST_UNITS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What was reported of a heartbeat.

    Attributes:
        read_us: when it was read.
        on_us: since when the check is on; None when it is not.
        signal_us: when the last signal came; None when none ever has.
        success_us: when the last one came that told of a success.
        exit_code: of the last signal: 0 for a success, None for a failure without one.
        failure_us: when the last one came that told of a failure; None when none ever has.
        failure_code: its exit code; None without one.
        outage: the last span of time in which nobody could take signals; up to when it was read while it goes on.
    """

    read_us: int
    on_us: int | None
    signal_us: int | None = None
    success_us: int | None = None
    exit_code: int | None = None
    failure_us: int | None = None
    failure_code: int | None = None
    outage: tuple[int, int] | None = None


def verdict_on(spec: HeartbeatSpec, reported: Reported) -> Verdict:
    """The verdict on what was reported.

    Signals tell something while they are no older than one is due, or than the check is on: so what came during a pause
    counts behind it, but no failure of long before does. As long as nothing tells, silence counts from when the check
    is on, and nothing is known until it has lasted too long: neither up nor down. Nor is anything known while a signal
    may have come in vain, since nobody could take it.

    A failure that a success followed before the slot is told by that slot, so that it does not depend on where the grid
    lies whether a failure is seen.
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
    # A job that was not heard since the check is on may send its first signal at any moment.
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


def _failed_since_slot(spec: HeartbeatSpec, reported: Reported, signal_us: int, tells_from_us: int) -> bool:
    """Whether a failure came since the slot before the one that is run now."""
    failure_us, now_us, every_us = reported.failure_us, reported.read_us, spec.slots_every_us(0)
    # What is behind the last signal is from before the clock was stepped back.
    if failure_us is None or not tells_from_us <= failure_us <= min(signal_us, now_us):
        return False
    anchor = 0 if spec.of_check is None else anchor_us(spec.of_check[1], every_us)
    return failure_us > first_slot_at_or_after(anchor, every_us, now_us - 2 * every_us + 1)


def _may_be_lost(due: tuple[int, int], outage: tuple[int, int], long_ago_us: int) -> bool:
    """Whether it may be an outage's doing that nothing was heard for too long.

    Of a job that signals as often as it should, an outage swallows what was due meanwhile. Had it ended in the first
    half of the time allowed, another signal would have come in the second; had it begun behind all of that, one would
    have come before it. Behind the outage the job has as long as ever to be heard.

    Args:
        due: the span in which an outage may swallow the last signal that could have come in time.
        outage: the outage.
        long_ago_us: an outage that ended before this is no excuse any more.
    """
    return outage[0] <= due[1] and outage[1] > due[0] and outage[1] >= long_ago_us


def span(span_us: int) -> str:
    """A span in words, cut off behind its two largest units: "25 h" is "1 d 1 h"."""
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
