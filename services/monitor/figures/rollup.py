"""Roll-up of closed hours and days in the background, in bounded steps, by one process at a time (semantics.md §19).

A step is one transaction. If the process ends, the hours of completed steps stay closed, and the next process closes
the others: the same results give the same figures.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from services.monitor.figures.closed_hours import floor
from services.monitor.quarantine import Quarantine
from services.platform import logs
from services.platform.clock import DAY_US, now_us

if TYPE_CHECKING:
    from services.monitor.store.rollups import RollupSql

# A fixed schedule without retries: the next round does what a failed one did not.
_INTERVAL_S = 30.0
_CHECKS_PER_STEP = 200
_DAYS_AHEAD = 3
# More failures in one round have a common cause: the round fails instead of logging an error for each check.
_MOST_FAILURES_PER_ROUND = 20
_log = logs.get("rollup")


@dataclass(frozen=True, slots=True)
class Retention:
    """The minimum retention of raw results and closed hours, in microseconds. Closed days are kept for ever."""

    raw_us: int
    hourly_us: int


class RollupPosition(NamedTuple):
    """The position of a round: checks are processed in the order of watermark, tenant and id."""

    rolled_us: int
    tenant_id: UUID
    check_id: UUID


@dataclass(frozen=True, slots=True)
class RollupStep:
    """The result of a step.

    Attributes:
        position: the position to continue from; None at the end of the list.
        moved: whether hours of a check were closed.
    """

    position: RollupPosition | None
    moved: bool


class RollupStepFailed(Exception):
    """A step failed with one of its checks, so it closed no hours of any; the cause is chained.

    Args:
        positions: the positions of the checks of the step, in order.
    """

    def __init__(self, places: Sequence[RollupPosition]) -> None:
        super().__init__(f"rolling up failed with one of {len(places)} checks")
        self.positions = places


class Rollup:
    """Background work that closes hours and days, creates partitions of results in advance, and drops expired ones.

    Args:
        store: the roll-ups in PostgreSQL.
        keep: how long raw results and hours are kept.

    Attributes:
        quarantine: the checks in quarantine.
    """

    def __init__(self, store: "RollupSql", keep: Retention) -> None:
        self._store = store
        self._retention = keep
        self.quarantine = Quarantine("rollup")

    async def run(self) -> None:
        """Do the work every 30 seconds until cancelled."""
        while True:
            # A failure of one does not stop the other.
            for work in (self.round, self.move_days):
                with self.quarantine.tolerate_failures():
                    await work(now_us())
            await asyncio.sleep(_INTERVAL_S)

    async def round(self, now: int) -> None:
        """Close all hours that can be closed at a time, and quarantine each check with which that fails.

        Raises:
            RollupStepFailed: more than 20 checks failed.
        """
        place, moved = None, False
        most, one_by_one_to = _CHECKS_PER_STEP, None
        failures = 0
        while True:
            try:
                step = await self._store.roll_up(place, now, self._retention, most, self.quarantine.ids(now))
            except RollupStepFailed as failed:
                if len(failed.positions) > 1:
                    most, one_by_one_to = 1, failed.positions[-1]
                    continue
                failures += 1
                if failures > _MOST_FAILURES_PER_ROUND:
                    raise
                (place,) = failed.positions
                self.quarantine.add(place.check_id, now)
                _log.exception(
                    "rollup of a check failed, quarantined for an hour",
                    tenant_id=str(place.tenant_id), check_id=str(place.check_id),
                )  # fmt: skip
            else:
                place, moved = step.position, moved or step.moved
            if one_by_one_to is not None and (place is None or place >= one_by_one_to):
                most, one_by_one_to = _CHECKS_PER_STEP, None
            if place is None:
                # A step closes only a part of a long backlog, so such checks need further steps.
                if not moved:
                    return
                moved = False

    async def move_days(self, now: int) -> None:
        """Create the partitions of results for the next days, so that no insert has to, and drop expired ones."""
        today = floor(now, DAY_US)
        for ahead in range(_DAYS_AHEAD + 1):
            await self._store.make_day(today + ahead * DAY_US)
        while (day := await self._store.drop_day(floor(now - self._retention.raw_us, DAY_US))) is not None:
            _log.info("dropped expired results", day=str(day))
