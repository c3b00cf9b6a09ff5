"""Checks with a history, written as a worker would, and the figures of all its results."""

import random

from services.checks.grid import anchor_us, first_slot_at_or_after
from services.checks.outcome import Outcome
from services.monitor.figures.closed_hours import floor
from services.monitor.figures.excluded_time import merge_spans, paused_spans, spans_outside
from services.monitor.figures.figures import summed
from services.monitor.figures.uptime import Figures, Slot, measure
from services.platform.clock import DAY_US, HOUR_US, MINUTE_US, from_datetime, now_us, to_datetime
from tests.integration.monitor.conftest import Admin, Monitor
from tests.support.rows import a_check

# How many of the runs that end UP are slow.
_SLOW = 0.1


class History:
    """A check of a monitor's tenant, with results that a test writes as a worker would.

    Args:
        admin: the owner of the tables.
        monitor: whose tenant it is.
        interval_us: its interval.
        since_us: when it was made.
    """

    def __init__(self, admin: Admin, monitor: Monitor, interval_us: int, since_us: int) -> None:
        self.admin, self.monitor, self.interval_us, self.since_us = admin, monitor, interval_us, since_us
        self.slots: list[Slot] = []

    async def make(self) -> "History":
        """Make the check."""
        _, self.service_id, self.check_id = await a_check(
            self.admin, tenant_id=self.monitor.tenant_id, interval_us=self.interval_us
        )
        since = to_datetime(self.since_us)
        await self.admin.execute("UPDATE checks SET create_time = $2 WHERE id = $1", self.check_id, since)
        await self.admin.execute("UPDATE check_periods SET start_time = $2 WHERE check_id = $1", self.check_id, since)
        await self.admin.execute(
            "UPDATE check_rollups SET rolled_time = $2 WHERE check_id = $1",
            self.check_id, to_datetime(floor(self.since_us, HOUR_US)),
        )  # fmt: skip
        return self

    async def fill(self, until_us: int, chance: random.Random) -> None:
        """Results of every slot up to a point in time; sometimes one is not there."""
        anchor = anchor_us(self.check_id, self.interval_us)
        first = first_slot_at_or_after(
            anchor, self.interval_us, self.slots[-1].slot_us + 1 if self.slots else self.since_us
        )
        outcomes = chance.choices(list(Outcome), [90, 5, 3, 2], k=(until_us - first) // self.interval_us + 2)
        fresh = [
            Slot(
                slot_us=slot,
                interval_us=self.interval_us,
                outcome=outcome,
                slot_count=1,
                total_us=chance.randrange(1_000, 10**6),
                slow=chance.random() < _SLOW,
            )
            if outcome is Outcome.UP
            else Slot(slot_us=slot, interval_us=self.interval_us, outcome=outcome)
            for slot, outcome in zip(range(first, until_us, self.interval_us), outcomes, strict=False)
            if chance.random() > 0.03
        ]
        await self.write(fresh)

    async def write(self, fresh: list[Slot]) -> None:
        """Write results, and with them the account."""
        self.slots += fresh
        for day in {slot.slot_us // DAY_US for slot in fresh}:
            await self.admin.execute("SELECT make_results_partition($1)", to_datetime(day * DAY_US).date())
        await self.admin.executemany(
            "INSERT INTO results (tenant_id, check_id, slot_time, service_id, interval_us, outcome, slot_count,"
            " total_us, slow, worker_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'w')",
            [
                (
                    self.monitor.tenant_id, self.check_id, to_datetime(slot.slot_us), self.service_id, slot.interval_us,
                    int(slot.outcome), slot.slot_count, slot.total_us, slot.slow,
                )
                for slot in fresh
            ],
        )  # fmt: skip
        last = self.slots[-1]
        await self.admin.execute(
            "UPDATE check_states SET accounted_time = $2 WHERE check_id = $1",
            self.check_id, to_datetime(last.slot_us + (last.slot_count - 1) * last.interval_us),
        )  # fmt: skip

    async def raw(self, edges: list[int], now: int) -> list[Figures]:
        """The figures of all results."""
        periods = [
            (from_datetime(start), None if end is None else from_datetime(end))
            for start, end in await self.admin.fetch(
                "SELECT start_time, end_time FROM check_periods WHERE check_id = $1 ORDER BY start_time", self.check_id
            )
        ]
        suspended = [
            (from_datetime(start), from_datetime(end))
            for start, end in await self.admin.fetch(
                "SELECT start_time, end_time FROM tenant_suspensions WHERE tenant_id = $1", self.monitor.tenant_id
            )
        ]
        maintained = [
            (from_datetime(start), from_datetime(end))
            for start, end in await self.admin.fetch(
                "SELECT start_time, end_time FROM maintenance_spans"
                " WHERE tenant_id = $1 AND coalesce(service_id, $2) = $2",
                self.monitor.tenant_id, self.service_id,
            )
        ]  # fmt: skip
        off = merge_spans([*suspended, *maintained, *paused_spans(periods, self.since_us, now)])
        return measure(self.slots, edges, spans_outside(off, self.since_us, now))

    async def shown(self, edges: list[int], now: int) -> list[Figures]:
        """What its service's figures say."""
        recorded = await self.monitor.store.recorded_of_service(self.monitor.tenant_id, self.service_id, edges)
        assert recorded is not None
        return list(summed(recorded, edges, now))


async def a_history(admin: Admin, monitor: Monitor, interval_us: int, days: int, seed: int = 1) -> History:
    """A check that was made some days ago, with results until now."""
    now = now_us()
    history = await History(admin, monitor, interval_us, now - days * DAY_US + 17 * MINUTE_US).make()
    await history.fill(now, random.Random(seed))  # noqa: S311 — a history, not a secret
    return history


async def marks(admin: Admin) -> list[int]:
    """The roll-up watermarks of all checks."""
    return [from_datetime(row[0]) for row in await admin.fetch("SELECT rolled_time FROM check_rollups")]
