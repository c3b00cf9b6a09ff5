"""semantics.md §14: incidents change in the transaction that records the results, and contain their cause and end."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.checks.grid import shard_of
from services.checks.incident import IncidentEventKind, Resolution
from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.result import Result
from services.platform.clock import SECOND_US, from_datetime, now_us, to_datetime
from services.platform.errors import Unavailable
from services.platform.postgres.database import create_pool
from services.worker.record import Pending
from services.worker.store import EngineStore
from tests.support.incidents import Incident, incidents_of
from tests.support.rows import START_US, a_check
from tests.support.worker import a_scheduled_check

UP, DOWN, ERROR = Outcome.UP, Outcome.DOWN, Outcome.ERROR
INTERVAL = 10 * SECOND_US
Admin = Any  # a connection as the owner of the tables
Check = tuple[UUID, UUID, UUID]


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[EngineStore]:
    pool = await create_pool(database_url, "sentinel_engine", 2, times_in_us=True)
    yield EngineStore(pool)
    await pool.close()


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def check(admin: Admin) -> Check:
    return await a_check(admin, interval_us=INTERVAL)


def pending(check: Check, number: int, outcome: Outcome) -> Pending:
    """What the slot of a number ended as."""
    tenant_id, service_id, check_id = check
    slot_us = START_US + number * INTERVAL
    result = Result(
        tenant_id=tenant_id,
        service_id=service_id,
        check_id=check_id,
        slot_us=slot_us,
        interval_us=INTERVAL,
        outcome=outcome,
        worker_id="w",
        start_us=None if outcome is Outcome.MISSED else slot_us + 1,
        missed_reason=MissedReason.NO_WORKER if outcome is Outcome.MISSED else None,
    )
    scheduled = a_scheduled_check(
        check_id,
        INTERVAL,
        tenant_id=tenant_id,
        service_id=service_id,
        shard=shard_of(check_id),
        since_us=now_us(),
    )
    return Pending(result, scheduled, 0)


def batch(check: Check, first: int, outcomes: Sequence[Outcome], **thresholds: Any) -> list[Pending]:
    """Results of slots in a row."""
    results = [pending(check, number, outcome) for number, outcome in enumerate(outcomes, first)]
    return [
        replace(each, check=replace(each.check, settings=replace(each.check.settings, **thresholds)))
        for each in results
    ]


def failing(check: Check, number: int, message: str, status_code: int | None = None) -> Pending:
    """A result that says why."""
    each = pending(check, number, DOWN)
    kind = ErrorKind.STATUS if status_code else ErrorKind.CONNECT_REFUSED
    result = replace(
        each.result, error_kind=kind, error_message=message, status_code=status_code, connect_us=77, total_us=99
    )
    return replace(each, result=result)


def slot(moment: Any) -> int | None:
    """The number of a slot."""
    return None if moment is None else (from_datetime(moment) - START_US) // INTERVAL


async def found(admin: Admin) -> list[Incident]:
    rows = await admin.fetch("SELECT start_time, end_time FROM incidents ORDER BY start_time")
    return [(slot(row[0]) or 0, slot(row[1])) for row in rows]


async def timeline(admin: Admin) -> list[int]:
    rows = await admin.fetch("SELECT kind FROM incident_events ORDER BY id")
    return [row["kind"] for row in rows]


@pytest.mark.parametrize("seed", range(6))
async def test_in_whatever_batches_results_come_incidents_are_what_the_rule_says(
    store: EngineStore, admin: Admin, check: Check, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 — not a secret
    history = chance.choices(list(Outcome), weights=[5, 5, 1, 1], k=120)
    failure, recovery = chance.randint(1, 3), chance.randint(1, 3)
    at = 0
    while at < len(history):
        until = at + chance.choice([1, 2, 3, 40])
        part = batch(check, at + 1, history[at:until], failure_threshold=failure, recovery_threshold=recovery)
        assert await store.record(part) == len(part)
        at = until

    expected = incidents_of([ERROR, *history], failure, recovery)
    assert await found(admin) == expected
    opened_and_resolved = [int(IncidentEventKind.OPENED), int(IncidentEventKind.RESOLVED)] * len(expected)
    ended = len(expected) and expected[-1][1] is not None
    assert await timeline(admin) == opened_and_resolved[: None if ended else -1]


async def maintain(admin: Admin, check: Check, service_id: UUID | None, first: int, until: int) -> None:
    """Slots in [first, until) are inside a window, of a service or of all of the check's tenant."""
    await admin.execute(
        "INSERT INTO maintenance_spans (tenant_id, window_id, service_id, start_time, end_time)"
        " VALUES ($1, gen_random_uuid(), $2, $3, $4)",
        check[0], service_id, *(to_datetime(START_US + number * INTERVAL) for number in (first, until)),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
async def test_in_whatever_batches_results_come_windows_open_and_resolve_nothing(
    store: EngineStore, admin: Admin, check: Check, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 — not a secret
    history = chance.choices(list(Outcome), weights=[5, 5, 1, 1], k=120)
    spans = [(first, first + chance.randint(1, 15)) for first in chance.sample(range(1, 120), k=4)]
    _, elsewhere, _ = other = await a_check(admin, tenant_id=check[0], interval_us=INTERVAL)
    for number, (first, until) in enumerate(spans):
        await maintain(admin, check, check[1] if number % 2 else None, first, until)
    await maintain(admin, check, elsewhere, 1, 121)
    at = 0
    while at < len(history):
        until = at + chance.choice([1, 2, 3, 40])
        part = batch(check, at + 1, history[at:until])
        # In the same batch one of a service that is worked on all the time.
        beside = batch(other, at + 1, [DOWN] * len(part))
        assert await store.record([*part, *beside]) == 2 * len(part)
        at = until

    unheard = [
        ERROR if any(first <= number < until for first, until in spans) else outcome
        for number, outcome in enumerate(history, 1)
    ]
    assert await found(admin) == incidents_of([ERROR, *unheard], 2, 1)


async def test_an_incident_outlasts_a_window_and_ends_with_what_is_seen_behind_it(
    store: EngineStore, admin: Admin, check: Check
) -> None:
    await store.record(batch(check, 1, [DOWN, DOWN]))
    await maintain(admin, check, check[1], 3, 6)
    await store.record(batch(check, 3, [UP, DOWN, UP]))
    assert await found(admin) == [(1, None)]
    await store.record(batch(check, 6, [UP]))
    assert await found(admin) == [(1, 6)]


async def test_an_incident_tells_what_it_is_of_and_its_first_and_last_failure(
    store: EngineStore, admin: Admin, check: Check
) -> None:
    await store.record([pending(check, 1, UP), failing(check, 2, "refused")])
    assert await found(admin) == []
    await store.record([pending(check, 3, ERROR), failing(check, 4, "status 503", 503)])

    row = await admin.fetchrow("SELECT * FROM incidents")
    assert (row["tenant_id"], row["service_id"], row["check_id"]) == check
    assert (row["service_name"], row["check_name"]) == (f"s-{check[1]}", "home")
    assert (slot(row["start_time"]), slot(row["detect_time"]), row["end_time"]) == (2, 4, None)
    assert (row["error_kind"], row["error_message"], row["status_code"]) == (2, "refused", None)
    assert (row["dns_us"], row["connect_us"], row["total_us"]) == (None, 77, 99)

    await store.record([failing(check, 5, "status 500", 500), pending(check, 6, UP), failing(check, 7, "later")])
    row = await admin.fetchrow("SELECT * FROM incidents")
    assert (slot(row["end_time"]), row["resolution"]) == (6, Resolution.RECOVERED)
    assert (row["last_error_kind"], row["last_error_message"], row["last_status_code"]) == (7, "status 500", 500)
    assert row["error_message"] == "refused"


async def test_whoever_was_cut_off_between_two_steps_has_written_nothing(
    store: EngineStore, admin: Admin, check: Check, database_url: str
) -> None:
    """The recording is held up at the incident, its results and states written, when its connection is killed."""
    await store.record([pending(check, 1, UP)])
    killer = await asyncpg.connect(database_url)
    try:
        async with admin.transaction():
            await admin.execute("LOCK TABLE incidents IN EXCLUSIVE MODE")
            recording = asyncio.create_task(store.record(batch(check, 2, [DOWN, DOWN])))
            held_up = "SELECT pid FROM pg_locks WHERE relation = 'incidents'::regclass AND NOT granted"
            while (pid := await killer.fetchval(held_up)) is None:  # noqa: ASYNC110 — PostgreSQL has no event for it
                await asyncio.sleep(0)
            assert await killer.fetchval("SELECT pg_terminate_backend($1, 60000)", pid)
            with pytest.raises(Unavailable):
                await recording
    finally:
        await killer.close()
    assert await admin.fetchval("SELECT count(*) FROM results") == 1
    assert await admin.fetchval("SELECT state FROM check_states") == UP
    assert (await found(admin), await timeline(admin)) == ([], [])

    assert await store.record(batch(check, 2, [DOWN, DOWN])) == 2
    assert await store.record(batch(check, 2, [DOWN, DOWN])) == 0
    assert await admin.fetchval("SELECT state FROM check_states") == DOWN
    assert (await found(admin), await timeline(admin)) == ([(2, None)], [IncidentEventKind.OPENED])
