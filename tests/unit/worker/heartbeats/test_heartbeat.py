"""What signals and silence come to, against what a plain list of what happened says."""

from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.grid import anchor_us, first_slot_at_or_after
from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.heartbeat import HeartbeatSpec
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from services.wire.probe_failure import LONGEST_MESSAGE
from services.worker.heartbeats.heartbeat import HeartbeatReport, span, verdict_on

DAILY = HeartbeatSpec(DAY_US, 10 * MINUTE_US)
NOW = 1_790_000_000 * SECOND_US
UP, OVERDUE = (Outcome.UP, None), (Outcome.DOWN, ErrorKind.HEARTBEAT_OVERDUE)
FAILED, UNKNOWN = (Outcome.DOWN, ErrorKind.HEARTBEAT_FAILED), (Outcome.ERROR, ErrorKind.NO_SIGNAL_YET)

moments = st.none() | st.integers(0, 10_000)
specs = st.builds(HeartbeatSpec, period_us=st.integers(1, 1_000), grace_us=st.integers(0, 1_000))


@st.composite
def reports(draw: st.DrawFn) -> HeartbeatReport:
    """What may have been reported: the last signal is no older than the last success, and is one if it says so."""
    read_us, on_us, signal_us = draw(st.integers(0, 10_000)), draw(moments), draw(moments)
    code = draw(st.none() | st.integers(0, 255))
    if signal_us is None:
        return HeartbeatReport(read_us=read_us, on_us=on_us)
    success_us = signal_us if code == 0 else draw(st.none() | st.integers(0, signal_us))
    return HeartbeatReport(read_us=read_us, on_us=on_us, signal_us=signal_us, success_us=success_us, exit_code=code)


def ends(spec: HeartbeatSpec, reported: HeartbeatReport) -> tuple[Outcome, ErrorKind | None]:
    verdict = verdict_on(spec, reported)
    return verdict.outcome, verdict.error_kind


@given(specs, reports())
def test_whatever_was_reported_there_is_one_of_four_verdicts_in_few_words(
    spec: HeartbeatSpec, reported: HeartbeatReport
) -> None:
    verdict = verdict_on(spec, reported)

    assert (verdict.outcome, verdict.error_kind) in {UP, OVERDUE, FAILED, UNKNOWN}
    assert (verdict.message == "") == (verdict.outcome is Outcome.UP)
    assert len(verdict.message) <= LONGEST_MESSAGE


@given(specs, reports(), st.integers(0, 5_000))
def test_silence_alone_never_makes_anything_better(spec: HeartbeatSpec, reported: HeartbeatReport, later: int) -> None:
    known = replace(reported, on_us=min(reported.on_us or 0, reported.read_us))
    order = [UP, UNKNOWN, OVERDUE]
    before, after = ends(spec, known), ends(spec, replace(known, read_us=known.read_us + later))

    assert after != UP or before == UP
    if before in order and after in order:
        assert order.index(after) >= order.index(before)


@dataclass
class Story:
    """What has happened to a heartbeat, all of it.

    Attributes:
        now: the time.
        on: since when it is on; None while it is paused.
        signals: when each came, and its exit code.
    """

    now: int = 0
    on: int | None = 0
    signals: tuple[tuple[int, int | None], ...] = ()

    def reported(self) -> HeartbeatReport:
        """As the database has it."""
        last = self.signals[-1] if self.signals else (None, None)
        successes = [at for at, code in self.signals if code == 0]
        return HeartbeatReport(
            read_us=self.now,
            on_us=self.on,
            signal_us=last[0],
            success_us=successes[-1] if successes else None,
            exit_code=last[1],
        )

    def expected(self, spec: HeartbeatSpec) -> tuple[Outcome, ErrorKind | None]:
        """As docs/checks.md says it."""
        allowed = spec.period_us + spec.grace_us
        on = self.now if self.on is None else self.on
        lately = [(at, code) for at, code in self.signals if at >= self.now - allowed or at >= on]
        if lately and lately[-1][1] != 0:
            return FAILED
        if any(code == 0 and self.now - at <= allowed for at, code in self.signals):
            return UP
        heard = [at for at, code in self.signals if code == 0 and at >= on]
        return OVERDUE if self.now - (heard[-1] if heard else on) > allowed else UNKNOWN


@given(specs, st.lists(st.sampled_from(["success", "fail", "exit", "pause", "resume"]) | st.integers(1, 800)))
def test_any_story_comes_to_what_the_documentation_says(spec: HeartbeatSpec, events: list[str | int]) -> None:
    story = Story()
    codes: dict[str | int, int | None] = {"success": 0, "fail": None, "exit": 3}
    for event in events:
        if isinstance(event, int):
            story.now += event
        elif event == "pause":
            story.on = None
        elif event == "resume":
            story.on = story.now if story.on is None else story.on
        else:
            story.signals = (*story.signals, (story.now, codes[event]))
        assert ends(spec, story.reported()) == story.expected(spec)


CHECK = UUID(int=9)
SLOTTED = DAILY.bound_to(UUID(int=8), CHECK)


def a_slot() -> int:
    """A slot of the check whose signals these are."""
    return first_slot_at_or_after(anchor_us(CHECK, MINUTE_US), MINUTE_US, NOW)


@pytest.mark.parametrize(
    ("failed_us", "read_us", "expected"),
    [
        (-60 * SECOND_US, 50_000, UP),  # reported by the previous slot
        (-60 * SECOND_US + 1, 50_000, FAILED),
        (-1, 50_000, FAILED),
        (40_000, 50_000, FAILED),
        (-60 * SECOND_US + 1, 29 * SECOND_US, FAILED),  # the run is late
        (-60 * SECOND_US + 1, 60 * SECOND_US, UP),  # that is the next slot
        (-1, 60 * SECOND_US, UP),
    ],
)
def test_a_failure_that_a_success_follows_is_told_by_the_slot_behind_it(
    failed_us: int, read_us: int, expected: tuple[Outcome, ErrorKind | None]
) -> None:
    slot_us = a_slot()
    good_us = slot_us + max(0, failed_us)
    reported = HeartbeatReport(
        read_us=slot_us + read_us,
        on_us=slot_us - DAY_US,
        signal_us=good_us,
        success_us=good_us,
        exit_code=0,
        failure_us=slot_us + failed_us,
        failure_code=3221225786,
    )

    assert ends(SLOTTED, reported) == expected
    assert ends(SLOTTED.with_body_kept(), reported) == UP
    if expected == FAILED:
        told = verdict_on(SLOTTED, reported).message
        assert told.endswith("ago reported a failure with exit code 3221225786, followed by a success")


def test_each_failure_is_told_by_a_slot_wherever_it_comes() -> None:
    slot_us = a_slot()
    for second in range(120):
        failure_us = slot_us + second * SECOND_US + 1
        verdicts = [
            ends(
                SLOTTED,
                HeartbeatReport(
                    read_us=slot_us + number * MINUTE_US,
                    on_us=0,
                    signal_us=failure_us + 1,
                    success_us=failure_us + 1,
                    exit_code=0,
                    failure_us=failure_us,
                ),
            )
            for number in range(1, 5)
            if slot_us + number * MINUTE_US > failure_us
        ]
        assert verdicts.count(FAILED) == 1


def test_a_failure_of_before_a_step_of_the_clock_back_is_not_told() -> None:
    slot_us = a_slot()
    reported = HeartbeatReport(
        read_us=slot_us,
        on_us=0,
        signal_us=slot_us - 1,
        success_us=slot_us - 1,
        exit_code=0,
        failure_us=slot_us + DAY_US,
    )
    assert ends(SLOTTED, reported) == UP


spans = st.integers(1, 40)


@given(spans, st.integers(0, 40), spans, st.integers(0, 39), st.integers(0, 200), st.integers(1, 200))
def test_a_job_that_signals_often_enough_is_never_down_because_the_monitor_was_away(
    period: int, grace: int, every: int, first: int, away: int, for_so_long: int
) -> None:
    spec, every, back = HeartbeatSpec(period, grace), min(every, period), away + for_so_long
    heard: int | None = None
    for now in range(500):
        if now % every == first % every and not away <= now < back:
            heard = now
        code = None if heard is None else 0
        outage = None if now < away else (away, min(now, back))
        assert ends(
            spec,
            HeartbeatReport(read_us=now, on_us=0, signal_us=heard, success_us=heard, exit_code=code, outage=outage),
        ) in {UP, UNKNOWN}


@given(spans, st.integers(0, 40), st.sets(st.integers(0, 200)))
def test_a_job_that_is_gone_is_found_however_often_the_monitor_is_restarted(
    period: int, grace: int, restarts: set[int]
) -> None:
    """Each takes a moment, and only the last one is known."""
    spec, allowed = HeartbeatSpec(period, grace), period + grace
    verdicts = []
    for now in range(allowed + 1, 2 * allowed + 4):
        last = max((restart for restart in restarts if restart <= now), default=None)
        outage = None if last is None else (last, min(now, last + 1))
        verdicts.append(
            ends(spec, HeartbeatReport(read_us=now, on_us=0, signal_us=0, success_us=0, exit_code=0, outage=outage))
        )

    assert verdicts[-1] == OVERDUE
    assert verdicts == sorted(verdicts, key=lambda each: each == OVERDUE)  # once found it stays found


@pytest.mark.parametrize(
    ("reported", "expected", "words"),
    [
        (
            HeartbeatReport(read_us=NOW, on_us=NOW - HOUR_US),
            UNKNOWN,
            "no signal yet; expected every 1 d, grace period 10 min",
        ),
        (
            HeartbeatReport(read_us=NOW, on_us=NOW - DAY_US - 70 * MINUTE_US),
            OVERDUE,
            "no signal for 1 d 1 h; expected every 1 d, grace period 10 min",
        ),
        (
            HeartbeatReport(
                read_us=NOW, on_us=0, signal_us=NOW - 5 * SECOND_US, success_us=NOW - 5 * SECOND_US, exit_code=0
            ),
            UP,
            "",
        ),
        (
            HeartbeatReport(
                read_us=NOW, on_us=0, signal_us=NOW - 90 * SECOND_US, success_us=NOW - HOUR_US, exit_code=137
            ),
            FAILED,
            "the last signal, 1 min 30 s ago, reported a failure with exit code 137",
        ),
        (
            HeartbeatReport(read_us=NOW, on_us=0, signal_us=NOW - SECOND_US),
            FAILED,
            "the last signal, 1 s ago, reported a failure",
        ),
        # What came before a pause, or during it.
        (
            HeartbeatReport(
                read_us=NOW, on_us=NOW - MINUTE_US, signal_us=NOW - HOUR_US, success_us=NOW - HOUR_US, exit_code=0
            ),
            UP,
            "",
        ),
        (
            HeartbeatReport(
                read_us=NOW, on_us=NOW - MINUTE_US, signal_us=NOW - 2 * DAY_US, success_us=None, exit_code=1
            ),
            UNKNOWN,
            "no signal yet; expected every 1 d, grace period 10 min",
        ),
        # The monitor was away when it was due.
        (
            HeartbeatReport(
                read_us=NOW,
                on_us=0,
                signal_us=NOW - 25 * HOUR_US,
                success_us=NOW - 25 * HOUR_US,
                exit_code=0,
                outage=(NOW - 2 * HOUR_US, NOW - HOUR_US),
            ),
            UNKNOWN,
            "no signal for 1 d 1 h, but the monitor could not receive signals; expected every 1 d, grace period 10 min",
        ),
        # It was away so early that another signal would have come in time, unless none ever came.
        (
            HeartbeatReport(
                read_us=NOW,
                on_us=0,
                signal_us=NOW - 25 * HOUR_US,
                success_us=NOW - 25 * HOUR_US,
                exit_code=0,
                outage=(NOW - 24 * HOUR_US, NOW - 23 * HOUR_US),
            ),
            OVERDUE,
            "no signal for 1 d 1 h; expected every 1 d, grace period 10 min",
        ),
        (
            HeartbeatReport(read_us=NOW, on_us=NOW - 25 * HOUR_US, outage=(NOW - 24 * HOUR_US, NOW - 23 * HOUR_US)),
            UNKNOWN,
            "no signal for 1 d 1 h, but the monitor could not receive signals; expected every 1 d, grace period 10 min",
        ),
        # At the last moment.
        (
            HeartbeatReport(
                read_us=NOW,
                on_us=0,
                signal_us=NOW - DAY_US - 10 * MINUTE_US,
                success_us=NOW - DAY_US - 10 * MINUTE_US,
                exit_code=0,
            ),
            UP,
            "",
        ),
        (
            HeartbeatReport(read_us=NOW, on_us=NOW - DAY_US - 10 * MINUTE_US),
            UNKNOWN,
            "no signal yet; expected every 1 d, grace period 10 min",
        ),
        # Read in a transaction that began a moment before the signal's.
        (HeartbeatReport(read_us=NOW, on_us=NOW + 1, signal_us=NOW + 1, success_us=NOW + 1, exit_code=0), UP, ""),
    ],
)
def test_each_verdict_says_why(
    reported: HeartbeatReport, expected: tuple[Outcome, ErrorKind | None], words: str
) -> None:
    assert ends(DAILY, reported) == expected
    assert verdict_on(DAILY, reported).message == words


@pytest.mark.parametrize(
    ("span_us", "words"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (999_999, "0 s"),
        (60 * SECOND_US, "1 min"),
        (3_605 * SECOND_US, "1 h"),
        (25 * HOUR_US + 10 * MINUTE_US, "1 d 1 h"),
        (70 * MINUTE_US + SECOND_US, "1 h 10 min"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(span_us: int, words: str) -> None:
    assert span(span_us) == words
