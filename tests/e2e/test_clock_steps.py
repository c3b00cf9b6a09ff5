"""Real steps of the wall clock of a whole stack (docs/adr/0034), by libfaketime; the long run only.

Every process of the stack but Envoy sees the stepped clock, as on one machine; the test itself sees the true one.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from services.checks.grid import PAUSE_LIMIT_US, SHARDS
from services.checks.outcome import MissedReason, Outcome
from services.checks.state import CheckState
from services.platform.clock import SECOND_US, from_datetime
from tests.support.effort import IS_LONG
from tests.support.fleet import Fleet, cheap_target, eventually
from tests.support.ledger import Window
from tests.support.patience import PATIENCE_S
from tests.support.stack import Stack, Team

pytestmark = [
    pytest.mark.soak,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not IS_LONG, reason="real steps need libfaketime; `make soak` makes them"),
]

WORKERS, CHECKS, INTERVAL_S = 2, 200, 5
HOUR_S = 3600
# A slot that was due shortly before a step forward is late after it; one shortly after it was skipped before a worker
# knew of the step.
_BEFORE_S, _AFTER_S = INTERVAL_S, 3
_POLL_S = 0.05
_FOLDERS = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")


def libfaketime() -> Path:
    """Return the library; without it the test fails, since nothing else steps a clock for one stack alone."""
    for folder in _FOLDERS:
        if found := sorted(Path(folder).glob("**/libfaketime.so.1")):
            return found[0]
    return pytest.fail(
        f"libfaketime.so.1 is not in {', '.join(_FOLDERS)}; install it (Debian, Ubuntu: apt-get install libfaketime)"
    )


class SteppedClock:
    """The wall clock of the processes that were started with its settings.

    Args:
        file: where the step stands, which every process reads each time that it asks for the time.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seconds = 0
        self.step(0)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of such a process."""
        return {
            "LD_PRELOAD": str(libfaketime()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, seconds: int) -> None:
        """Step the clock."""
        self._seconds += seconds
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{self._seconds:+d}\n")
        beside.rename(self._file)


@pytest.fixture
def clock(short_folder: Path) -> SteppedClock:
    """The clock of the stack."""
    return SteppedClock(short_folder / "faketime")


@pytest.fixture
def stack(short_folder: Path, template: Path, clock: SteppedClock) -> Iterator[Stack]:
    """A stack of several workers whose clock the test may step."""
    settings = {"SENTINEL_WORKERS": str(WORKERS), **clock.settings}
    stack = Stack(data_dir=short_folder / "steps", settings=settings, template=template, module="tests.e2e.stepped_up")
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


async def now_us(fleet: Fleet) -> int:
    """Return what the database's clock shows."""
    async with fleet.owner() as admin:
        return from_datetime(await admin.fetchval("SELECT clock_timestamp()"))


async def epochs(fleet: Fleet) -> list[tuple[str, int]]:
    """Return who holds each shard, with its epoch."""
    async with fleet.owner() as admin:
        rows = await admin.fetch("SELECT worker_id, epoch FROM shard_leases ORDER BY shard")
        return [(row["worker_id"], row["epoch"]) for row in rows]


async def slots_ahead(fleet: Fleet, seconds: float) -> list[int]:
    """Return how many slots after the time of the clock were accounted, again and again for a while."""
    counts = []
    loop = asyncio.get_running_loop()
    end_s = loop.time() + seconds
    async with fleet.owner() as admin:
        while loop.time() < end_s:
            counts.append(
                await admin.fetchval(
                    """
                    SELECT count(*) FROM results r,
                    generate_series(0, r.slot_count - 1) AS number, (SELECT clock_timestamp() AS now) AS clock
                    WHERE r.slot_time + number * r.interval_us * interval '1 microsecond' > clock.now
                    """
                )
            )
            await asyncio.sleep(_POLL_S)
    return counts


async def later(fleet: Fleet, seconds: float) -> None:
    """Wait until all slots up to some time from now are accounted."""
    await fleet.accounted_until(await now_us(fleet) + int(seconds * SECOND_US), timeout_s=seconds + 60)


async def test_real_steps_account_no_slot_early_lose_none_and_invent_no_outage(
    stack: Stack, clock: SteppedClock
) -> None:
    fleet = Fleet(stack)
    await fleet.shared_by(WORKERS)
    with cheap_target() as url, Team(stack) as team:
        await fleet.make(team, CHECKS, url, INTERVAL_S)
        await later(fleet, 2 * INTERVAL_S)
        held = await epochs(fleet)
        assert len(held) == SHARDS

        for step_s in (-3, 3, -10):  # the grid waits until time catches up
            clock.step(step_s)
            ahead = await slots_ahead(fleet, 12)
            assert ahead == sorted(ahead, reverse=True), (
                f"slots were accounted early after a step by {step_s} s: {ahead}"
            )
            await later(fleet, INTERVAL_S)

        before_us = await now_us(fleet)
        clock.step(HOUR_S)
        after_us = await now_us(fleet)
        await later(fleet, 2 * INTERVAL_S)
        assert team.client.get("/services").status_code == 401  # the access token is judged by the new time
        tokens = team.client.post("/auth/refresh", json={"refreshToken": team.tokens["refreshToken"]}).json()["tokens"]
        team.client.headers["authorization"] = f"Bearer {tokens['accessToken']}"
        assert team.client.get("/services").status_code == 200
        skipped = Window(
            name="skipped by the step forward",
            start_us=before_us - _BEFORE_S * SECOND_US,
            end_us=after_us + _AFTER_S * SECOND_US,
            shards=range(SHARDS),
            reasons={MissedReason.CLOCK_STEP},
        )
        forward = await fleet.books()
        faults = [fault for each in forward.ledgers for fault in each.faults(after_us, [skipped])]
        assert not faults, "\n".join(faults[:40])
        missed = [sum(entry.outcome is Outcome.MISSED for _, entry in each.slots()) for each in forward.ledgers]
        assert min(missed) >= HOUR_S // INTERVAL_S - 2

        assert HOUR_S * SECOND_US > PAUSE_LIMIT_US
        clock.step(-HOUR_S)
        back_us = await now_us(fleet)

        async def restarted() -> bool:
            async with fleet.owner() as admin:
                latest = await admin.fetchval("SELECT max(accounted_time) FROM check_states")
                return from_datetime(latest) < back_us + PAUSE_LIMIT_US

        await eventually(restarted, PATIENCE_S)
        restarted_us = await now_us(fleet)
        ahead = await slots_ahead(fleet, 12)
        assert max(ahead) == 0
        await later(fleet, 2 * INTERVAL_S)
        end_us = await now_us(fleet) - INTERVAL_S * SECOND_US

        # Of the slots that the step forward had skipped those until the grid restarted stay missed.
        stays = Window(
            name="skipped, and begun anew",
            start_us=skipped.start_us,
            end_us=restarted_us + _AFTER_S * SECOND_US,
            shards=range(SHARDS),
            reasons={MissedReason.CLOCK_STEP, MissedReason.NO_WORKER},
        )
        books = await fleet.books()
        faults = [fault for each in books.ledgers for fault in each.faults(end_us, [stays])]
        assert not faults, "\n".join(faults[:40])
        assert len(books.ledgers) == CHECKS
        assert set(books.states.values()) == {CheckState.UP}
        assert await epochs(fleet) == held
        assert incidents(team) == []


def incidents(team: Team) -> list[UUID]:
    """Return the incidents of a team."""
    answer = team.client.get("/incidents")
    assert answer.status_code == 200, answer.text
    return [UUID(each["id"]) for each in answer.json().get("incidents", [])]
