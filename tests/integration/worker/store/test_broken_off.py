"""semantics.md §11, §14: wherever recording breaks off, a batch is recorded whole or not at all, and counts once."""

from itertools import count
from pathlib import Path

import pytest

from services.checks.outcome import Outcome
from services.platform.errors import Unavailable
from services.platform.postgres.database import create_pool
from services.worker.record import Pending
from services.worker.store import EngineStore
from tests.integration.worker.store.in_sql import in_sql
from tests.integration.worker.store.scene import Scene
from tests.support.severed import Severed

UP, DOWN, MISSED = Outcome.UP, Outcome.DOWN, Outcome.MISSED
NEVER = 10**6
OPENED_IN, RESOLVED_IN = 1, 3


def batch_of(scene: Scene) -> list[Pending]:
    return [*scene.batch(0, [UP, DOWN, DOWN, UP]), scene.pending(4, MISSED, count=3)]


async def broke(way: Severed, at: int, batch: list[Pending]) -> bool:
    """Record a batch over a way that breaks at one of its questions; return whether it came to that."""
    async with way:
        pool = await create_pool(way.url, "sentinel_engine", 1, times_in_us=True)
        await pool.fetch("SELECT")  # so that it breaks after the login
        way._at = way.asked + at
        try:
            assert await EngineStore(pool).record(batch) == len(batch)
        except Unavailable:
            assert way.cut()
        else:
            assert not way.cut()
        finally:
            pool.terminate()
    return way.cut()


@pytest.mark.parametrize("answered", [False, True], ids=["question lost", "answer lost"])
async def test_a_batch_whose_recording_broke_off_is_handed_in_again_and_counts_once(
    database_url: str, short_folder: Path, *, answered: bool
) -> None:
    found = set()
    async with in_sql(database_url) as installation:
        owner = await installation.add_tenant()
        for at in count(1):
            scene = await Scene.of(installation, owner, f"check {at}")
            nothing, batch = await scene.kept(), batch_of(scene)
            if not await broke(Severed(database_url, short_folder / "way", NEVER, answered=answered), at, batch):
                break
            before = await scene.kept()
            found.add(len(before.results))
            assert before == nothing or before.results == [each.result for each in batch]

            assert await scene.record(*batch) == len(batch) - len(before.results)
            kept = await scene.kept()
            assert kept.results == [each.result for each in batch]
            (incident,) = kept.incidents
            assert (incident.start_us, incident.end_us) == (scene.slot(OPENED_IN), scene.slot(RESOLVED_IN))
    assert len(found) == (2 if answered else 1)  # the answer to the commit may be lost: then all of it is there
