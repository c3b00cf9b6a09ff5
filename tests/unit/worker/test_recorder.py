"""semantics.md §11: results are written in order, and a caller can wait for all earlier ones."""

import asyncio
from collections.abc import Sequence

from services.checks.outcome import Outcome
from services.checks.result import Result
from services.platform.clock import SECOND_US, now_us
from services.platform.rpc.server import background
from services.worker.clock import SharedClock
from services.worker.record import Admit, Pending, Recorder
from services.worker.self_fault_guard import SelfFaultGuard
from tests.support.patience import PATIENCE_S
from tests.support.worker import a_scheduled_check

CHECK = a_scheduled_check()


class Busy:
    """Where results go while more and more come: with each batch that is written, another result is there."""

    def __init__(self) -> None:
        clock = SharedClock()
        self.recorder = Recorder(self, SelfFaultGuard((), clock), lambda _shard: 1, clock)
        self.written: list[int] = []
        self._slot_us = now_us()

    async def record(self, batch: Sequence[Pending], admit: Admit | None = None) -> int:  # noqa: ARG002 — its clock is ours
        self.add()
        await asyncio.sleep(0)
        self.written += [pending.result.slot_us for pending in batch]
        return len(batch)

    def add(self) -> int:
        self._slot_us += SECOND_US
        result = Result(
            tenant_id=CHECK.tenant_id,
            service_id=CHECK.service_id,
            check_id=CHECK.id,
            slot_us=self._slot_us,
            interval_us=SECOND_US,
            outcome=Outcome.UP,
            worker_id="w",
            start_us=self._slot_us,
        )
        self.recorder.add(result, CHECK)
        return self._slot_us


async def test_what_was_there_is_written_for_sure_however_much_comes_behind_it() -> None:
    """A worker that has taken shards waits for this before it reads them; under load there is always more to write."""
    store = Busy()
    async with background(store.recorder.run()):
        slots = [store.add(), store.add()]
        async with asyncio.timeout(PATIENCE_S):
            await store.recorder.flushed()
        assert store.written[:2] == slots
