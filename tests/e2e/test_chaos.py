"""Every slot is accounted for, whatever breaks (semantics.md §2): workers and the database, under load."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.checks.grid import SHARDS
from services.checks.outcome import MissedReason, Outcome
from services.checks.state import CheckState
from services.platform.clock import SECOND_US, now_us
from services.worker.lease import LeaseTimes
from tests.support.effort import IS_LONG
from tests.support.fleet import Fleet, cheap_target, eventually
from tests.support.ledger import Window
from tests.support.patience import PATIENCE_S
from tests.support.stack import Stack, Team
from tests.support.wall_clock import WallClock

WORKERS = 3
TEAMS = 5
if IS_LONG:  # the contract's shortest interval, 1,000 probes a second, leases as in production
    TIMES, CHECKS, INTERVAL_S = LeaseTimes(), 5_000, 5
else:  # the same order of events in a third of the time
    TIMES, CHECKS, INTERVAL_S = LeaseTimes(4.0), 1_000, 4
STALL_S = 1.5 * TIMES.ttl_s
CUT_S = 2.0 * TIMES.ttl_s
# A result is written within this time of its slot; what a killed worker had not written is for the next to account.
_UNWRITTEN_S = 1.0
# A worker fires for this long after it asked for its last renewal, which reached the database this much later at most.
_FIRES_S = TIMES.ttl_s - TIMES.margin_s
_ASKED_S = 0.5
# Waiting to try again and connecting anew take as long however short the leases are.
_BACK_S = 3.0
# A dead worker's shards are with others this long after their leases ended (semantics.md §6), however short those are:
# claiming waits for the disk, which this stack really writes to.
_TAKEN_S = 3.0
_ALL = frozenset(range(SHARDS))


@pytest.fixture
def stack(disk_folder: Path, template: Path) -> Iterator[Stack]:
    """A stack of several workers that the test may break."""
    settings = {"SENTINEL_WORKERS": str(WORKERS), "SENTINEL_LEASE_TTL_SECONDS": f"{TIMES.ttl_s:.0f}"}
    stack = Stack(data_dir=disk_folder / "chaos", settings=settings, template=template, durable=True)
    stack.start()
    yield stack
    stack.stop()


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_every_slot_is_there_once_after_killed_stopped_and_stalled_workers_and_a_database_that_goes_away(
    stack: Stack,
) -> None:
    fleet, clock = Fleet(stack), WallClock()
    await fleet.shared_by(WORKERS)
    with cheap_target() as url:
        for _ in range(TEAMS):
            with Team(stack) as team:
                # As long as may be: on a busy machine the target waits for a processor too.
                await fleet.make(team, CHECKS // TEAMS, url, INTERVAL_S, timeout_s=INTERVAL_S)
        await fleet.accounted_until(now_us() + INTERVAL_S * SECOND_US)

        windows = [await kill_a_worker(stack, fleet)]
        await stop_a_worker(stack, fleet)
        windows.append(await restart_the_database(stack, fleet))
        windows.append(await stall_a_worker(stack, fleet))
        windows.append(await cut_the_database_off(stack, fleet))

        end_us = now_us() + INTERVAL_S * SECOND_US
        await fleet.accounted_until(end_us)
        books, failures = await fleet.books(), await fleet.failures()

    clock.assert_not_stepped()  # the windows are of the wall clock, as the slots are
    assert len(books.ledgers) == CHECKS
    faults = [fault for ledger in books.ledgers for fault in ledger.faults(end_us, windows)]
    assert not faults, "\n".join([f"{len(faults)} faults", *map(str, windows), *sorted(faults)[:40]])
    outcomes = Counter(entry.outcome for ledger in books.ledgers for _, entry in ledger.slots())
    assert set(outcomes) == {Outcome.UP, Outcome.MISSED}, failures  # the target was fine all the time
    last = {ledger.check_id: max(slot for slot, _ in ledger.slots()) for ledger in books.ledgers}
    assert last == books.accounted_us
    assert set(books.states.values()) == {CheckState.UP}


async def kill_a_worker(stack: Stack, fleet: Fleet) -> Window:
    """Another has its shards within the TTL and three seconds (semantics.md §6)."""
    before = await fleet.settled(WORKERS)
    killed_us = now_us()
    a_worker(stack).kill()
    gone = await vanished(fleet, before)
    await fleet.settled(WORKERS)  # `up` has started another
    return missing_worker("killed worker", killed_us, before, gone)


async def stop_a_worker(stack: Stack, fleet: Fleet) -> None:
    """Nothing is lost: it hands over (semantics.md §6), so there is no window."""
    before = await fleet.settled(WORKERS)
    process = a_worker(stack)
    process.terminate()
    await asyncio.to_thread(process.wait, PATIENCE_S)
    assert await vanished(fleet, before)
    await fleet.settled(WORKERS)


async def stall_a_worker(stack: Stack, fleet: Fleet) -> Window:
    """A worker that stands still for longer than its lease, and goes on as if nothing were: for a moment it believes
    that it holds what others hold (semantics.md §6)."""
    before = await fleet.settled(WORKERS)
    process = a_worker(stack)
    stalled_us, stalled = now_us(), time.monotonic()
    process.suspend()
    try:
        gone = await vanished(fleet, before)
        await asyncio.sleep(STALL_S - (time.monotonic() - stalled))  # the fault itself
    finally:
        process.resume()
    await fleet.settled(WORKERS)
    return missing_worker("stalled worker", stalled_us, before, gone)


async def restart_the_database(stack: Stack, fleet: Fleet) -> Window:
    """As after a crash: sessions are gone, and the log is replayed before anybody may connect."""
    renewed_us = await fleet.renewed_us()
    os.kill(stack.child("bin/postgres").pid, signal.SIGKILL)
    await eventually(fleet.holders, PATIENCE_S)
    back_us = now_us()
    await fleet.settled(WORKERS)
    return missing_database("restarted database", renewed_us, back_us)


async def cut_the_database_off(stack: Stack, fleet: Fleet) -> Window:
    """All processes of the database stand still, as behind a network that drops every packet.

    To the workers this is silence: nothing is refused or reset, new connections are neither made nor turned down, and
    what was sent before the cut is carried out after it, whether somebody still waits for it or not. Its clock goes on.
    """
    renewed_us = await fleet.renewed_us()
    postmaster = stack.child("bin/postgres")
    postmaster.suspend()  # first: it starts no more
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        process.suspend()
    try:
        await asyncio.sleep(CUT_S)  # the fault itself
    finally:
        for process in reversed(family):
            process.resume()
    back_us = now_us()
    await fleet.settled(WORKERS)
    return missing_database("database cut off", renewed_us, back_us)


def a_worker(stack: Stack) -> psutil.Process:
    children = psutil.Process(stack.pid).children()  # not those of the database, which come and go
    return next(each for each in children if "services.worker.app" in each.cmdline())


async def vanished(fleet: Fleet, before: dict[int, str]) -> str:
    """The id of the worker that holds nothing any more."""

    async def gone() -> str | None:
        left = set(before.values()) - set((await fleet.holders()).values())
        return next(iter(left), None)

    return await eventually(gone, PATIENCE_S)  # the books show whether it took too long


def missing_worker(name: str, since_us: int, before: dict[int, str], gone: str) -> Window:
    return Window(
        name=name,
        start_us=since_us - int(_UNWRITTEN_S * SECOND_US),
        end_us=since_us + int((TIMES.ttl_s + _TAKEN_S) * SECOND_US),
        shards={shard for shard, worker in before.items() if worker == gone},
        # A slot that could just have begun when its new holder read it may be too late by the time of its turn.
        reasons={MissedReason.NO_WORKER, MissedReason.OVERLOADED},
    )


def missing_database(name: str, renewed_us: int, back_us: int) -> Window:
    """While the database is away workers fire until their leases end, and results wait (semantics.md §5, §11)."""
    return Window(
        name=name,
        start_us=renewed_us + int((_FIRES_S - _ASKED_S) * SECOND_US),
        end_us=back_us + int(_BACK_S * SECOND_US),
        shards=_ALL,
        reasons={MissedReason.DATABASE_AWAY},
    )
