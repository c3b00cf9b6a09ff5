"""semantics.md §11: whatever a worker asks, it learns that the database is away, and may ask again."""

from collections.abc import Awaitable, Callable

import pytest

from services.checks.outcome import Outcome
from services.platform.errors import Unavailable
from services.worker.record import Pending
from tests.integration.worker.store.installation import ALL_SHARDS, Installation, WorkerStore, all_on
from tests.integration.worker.store.scene import TTL_S, Scene
from tests.support.rows import a_report

Question = Callable[[Scene, WorkerStore], Awaitable[object]]
QUESTIONS: dict[str, Question] = {
    "renew": lambda _, store: store.renew("one", TTL_S, a_report(), claim_expired=True),
    "leave": lambda _, store: store.leave("one"),
    "checks_of_shards": lambda _, store: all_on(store),
    "checks_by_key": lambda scene, store: store.checks_by_key([scene.key]),
    "checks_of_tenants": lambda scene, store: store.checks_of_tenants([scene.check.tenant_id], ALL_SHARDS),
    "changed_since": lambda _, store: store.changed_since(0, ALL_SHARDS),
    "counts": lambda _, store: store.counts(ALL_SHARDS),
    "restart_grid": lambda _, store: store.restart_grid(ALL_SHARDS),
    "record": lambda scene, store: store.record(batch_of(scene)),
}


def batch_of(scene: Scene) -> list[Pending]:
    return scene.batch(0, [Outcome.DOWN, Outcome.DOWN])


@pytest.mark.parametrize("question", QUESTIONS)
async def test_what_is_cut_off_has_done_nothing_and_may_be_asked_again(
    installation: Installation, question: str
) -> None:
    scene = await Scene.of(installation)
    before = await installation.kept()
    async with installation.cut_off():
        with pytest.raises(Unavailable):
            await QUESTIONS[question](scene, installation.store)
    assert await installation.kept() == before

    answer = await QUESTIONS[question](scene, installation.store)
    assert answer or question == "leave"
    if question == "record":
        assert (await scene.kept()).results == [pending.result for pending in batch_of(scene)]
