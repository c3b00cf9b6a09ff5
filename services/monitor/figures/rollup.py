"""Closed hours and days are rolled up in the background: in bounded steps, in one place at a time (semantics.md §19).

A step is one transaction: what it has closed stays closed, whenever the process ends, and what it has not is closed by
the next one, from the same results to the same figures.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from services.monitor.figures.closing import floor
from services.monitor.set_aside import SetAside
from services.platform import logs
from services.platform.clock import DAY_US, now_us

if TYPE_CHECKING:
    from services.monitor.store.rollups import RollupSql

# A fixed schedule, no retry: the next look does what this one could not.
_LOOK_EVERY_S = 30.0
_CHECKS_A_STEP = 200
_DAYS_AHEAD = 3
# When so many checks fail in one round it is no check's own fault, and a log line for each would help nobody.
_MOST_FAILURES_A_ROUND = 20
_log = logs.get("rollup")


@dataclass(frozen=True, slots=True)
class Keep:
    """How long raw results and closed hours are kept, at the least; closed days are for ever."""

    raw_us: int
    hourly_us: int


class Place(NamedTuple):
    """How far a round has come: checks are looked at in the order of their marks and ids."""

    rolled_us: int
    tenant_id: UUID
    check_id: UUID


@dataclass(frozen=True, slots=True)
class Step:
    """What a step came to.

    Attributes:
        place: where to continue; None at the end of the list.
        moved: whether anything was closed.
    """

    place: Place | None
    moved: bool


class StepFailed(Exception):
    """Nothing was closed of some checks, since it failed with one of them; the cause says how.

    Args:
        places: where each of them stands, in order.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        super().__init__(f"rolling up failed with one of {len(places)} checks")
        self.places = places


class Rollup:
    """Closes hours and days, makes days of results ahead, and drops those that are old.

    Args:
        store: where they are.
        keep: how long what is kept.

    Attributes:
        aside: what it could not do.
    """

    def __init__(self, store: "RollupSql", keep: Keep) -> None:
        self._store = store
        self._keep = keep
        self.aside = SetAside("rollup")

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            # One that fails does not keep the other from its work.
            for work in (self.round, self.move_days):
                with self.aside.outlived():
                    await work(now_us())
            await asyncio.sleep(_LOOK_EVERY_S)

    async def round(self, now: int) -> None:
        """Close all hours that can be closed at a time; a check with which that fails is set aside.

        Raises:
            StepFailed: it fails with many checks.
        """
        place, moved = None, False
        most, one_by_one_to = _CHECKS_A_STEP, None
        failures = 0
        while True:
            try:
                step = await self._store.roll_up(place, now, self._keep, most, self.aside.subjects(now))
            except StepFailed as failed:
                if len(failed.places) > 1:
                    most, one_by_one_to = 1, failed.places[-1]
                    continue
                failures += 1
                if failures > _MOST_FAILURES_A_ROUND:
                    raise
                (place,) = failed.places
                self.aside.add(place.check_id, now)
                _log.exception(
                    "rollup of a check failed, quarantined for an hour",
                    tenant_id=str(place.tenant_id), check_id=str(place.check_id),
                )  # fmt: skip
            else:
                place, moved = step.place, moved or step.moved
            if one_by_one_to is not None and (place is None or place >= one_by_one_to):
                most, one_by_one_to = _CHECKS_A_STEP, None
            if place is None:
                # What has a long backlog was moved by a part of it, and is looked at again.
                if not moved:
                    return
                moved = False

    async def move_days(self, now: int) -> None:
        """Make days of results ahead, so that no batch of results has to; drop those that are old."""
        today = floor(now, DAY_US)
        for ahead in range(_DAYS_AHEAD + 1):
            await self._store.make_day(today + ahead * DAY_US)
        while (day := await self._store.drop_day(floor(now - self._keep.raw_us, DAY_US))) is not None:
            _log.info("dropped expired results", day=str(day))
