"""The state of a check, and how each result changes it (semantics.md §12). Pure."""

from dataclasses import dataclass
from enum import IntEnum

from services.checks.outcome import Outcome

_LONGEST_STREAK = 1_000  # above any threshold, so counting further changes nothing
STALE_AFTER_INTERVALS = 2


class CheckState(IntEnum):
    """The state of a check. The numbers are the contract's."""

    UP = 1
    DOWN = 2
    UNKNOWN = 3
    PAUSED = 4
    MAINTENANCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The state of a check with its present run of results.

    Attributes:
        state: the last confirmed verdict.
        state_us: the first slot of the run that confirmed it; None before the first verdict.
        streak: how many results in a row ended like the latest one.
        streak_outcome: their outcome, UP or DOWN; None before the first one.
        streak_us: the first slot of the streak.
        verdict_us: the latest slot that ended UP or DOWN.
    """

    state: CheckState = CheckState.UNKNOWN
    state_us: int | None = None
    streak: int = 0
    streak_outcome: Outcome | None = None
    streak_us: int | None = None
    verdict_us: int | None = None


def advance(track: Track, slot_us: int, outcome: Outcome, failure_threshold: int, recovery_threshold: int) -> Track:
    """Return the track after another result; ERROR and MISSED neither advance nor reset it."""
    if outcome is not Outcome.UP and outcome is not Outcome.DOWN:
        return track
    if outcome is track.streak_outcome:
        streak, since_us = min(track.streak + 1, _LONGEST_STREAK), track.streak_us
    else:
        streak, since_us = 1, slot_us
    verdict, threshold = (
        (CheckState.UP, recovery_threshold) if outcome is Outcome.UP else (CheckState.DOWN, failure_threshold)
    )
    # A new object takes a third of the time of dataclasses.replace, and this runs for every result.
    if track.state is not verdict and streak >= threshold:
        return Track(
            state=verdict,
            state_us=since_us,
            streak=streak,
            streak_outcome=outcome,
            streak_us=since_us,
            verdict_us=slot_us,
        )
    return Track(
        state=track.state,
        state_us=track.state_us,
        streak=streak,
        streak_outcome=outcome,
        streak_us=since_us,
        verdict_us=slot_us,
    )


def known_state(track: Track, interval_us: int, now_us: int) -> tuple[CheckState, int | None]:
    """Return the state now, and the time since which it holds; UNKNOWN after two intervals without UP or DOWN."""
    if track.state is CheckState.UNKNOWN or track.verdict_us is None:
        return CheckState.UNKNOWN, None
    stale_us = track.verdict_us + STALE_AFTER_INTERVALS * interval_us
    if now_us > stale_us:
        return CheckState.UNKNOWN, stale_us
    return track.state, track.state_us
