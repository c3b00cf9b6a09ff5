"""One check of an installation, and results of it as a worker would hand them in."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self
from uuid import UUID

from services.checks.grid import anchor_us, first_slot_at_or_after, shard_of
from services.checks.outcome import MissedReason, Outcome
from services.checks.result import Result
from services.checks.specs.http import HttpSpec
from services.monitor.drafts import CheckDraft, changed_check, new_check, paused_check, resumed_check
from services.monitor.model import Check
from services.platform.clock import SECOND_US
from services.worker.record import Pending
from services.worker.schedule import ScheduledCheck
from tests.integration.worker.store.installation import Installation, KeptCheck
from tests.support.rows import a_report

INTERVAL_US = 10 * SECOND_US
TTL_S = 10.0


class Scene:
    """A check that was just made.

    Args:
        installation: where.
        check: the check.

    Attributes:
        installation: as given.
        check: as it was made.
        shard: its shard.
        epoch: of the lease under which results are handed in.
        held: the check as a worker holds it that has heard of every change.
    """

    def __init__(self, installation: Installation, check: Check, held: ScheduledCheck) -> None:
        self.installation = installation
        self.check = check
        self.shard = shard_of(check.id)
        self.epoch = 0
        self.held = held

    @classmethod
    async def of(
        cls, installation: Installation, owner: tuple[UUID, UUID] | None = None, name: str = "home", **figures: Any
    ) -> Self:
        """Make a check.

        Args:
            installation: where.
            owner: its tenant and its service; new ones if None.
            name: its name.
            figures: of its draft.
        """
        owner = owner or await installation.add_tenant()
        given = {"interval_us": INTERVAL_US, **figures}
        draft = CheckDraft(name=name, spec=HttpSpec(url="http://t.test/"), given=given)
        check = new_check(*owner, draft, installation.now_us)
        await installation.create(check)
        ((held, _),) = await installation.store.checks_by_key([(check.tenant_id, check.id)])
        return cls(installation, check, held)

    @property
    def key(self) -> tuple[UUID, UUID]:
        """Its tenant, and its id."""
        return self.check.tenant_id, self.check.id

    @property
    def owner(self) -> tuple[UUID, UUID]:
        """Its tenant, and its service."""
        return self.check.tenant_id, self.check.service_id

    def slot(self, number: int, interval_us: int = INTERVAL_US, since_us: int | None = None) -> int:
        """Return a slot of the grid: the first one since the check was made, or since some other time, is number 0."""
        since_us = self.check.create_us if since_us is None else since_us
        return (
            first_slot_at_or_after(anchor_us(self.check.id, interval_us), interval_us, since_us) + number * interval_us
        )

    def pending(self, slot: int, outcome: Outcome, count: int = 1, **fields: Any) -> Pending:
        """Return what a slot ended as, or with MISSED several from it on: a slot's number, or its time."""
        slot_us = self.slot(slot) if slot < SECOND_US else slot
        is_missed = outcome is Outcome.MISSED
        result = Result(
            **{
                "tenant_id": self.check.tenant_id,
                "service_id": self.check.service_id,
                "check_id": self.check.id,
                "slot_us": slot_us,
                "interval_us": INTERVAL_US,
                "outcome": outcome,
                "worker_id": "one",
                "start_us": None if is_missed else slot_us + 1,
                "missed_reason": MissedReason.NO_WORKER if is_missed else None,
                "slot_count": count,
                **fields,
            }
        )
        return Pending(result, self.held, self.epoch)

    def batch(self, first: int, outcomes: Sequence[Outcome], **fields: Any) -> list[Pending]:
        """Return what slots in a row ended as."""
        return [self.pending(number, outcome, **fields) for number, outcome in enumerate(outcomes, first)]

    async def record(self, *batch: Pending) -> int:
        """Hand results in; return how many counted."""
        return await self.installation.store.record(batch)

    async def take_over(self, worker_id: str) -> None:
        """Let a worker take all shards that are free; results are handed in under its lease from now on."""
        renewal = await self.installation.store.renew(worker_id, TTL_S, a_report(), claim_expired=True)
        self.epoch = renewal.epochs[self.shard]

    async def _read_again(self) -> None:
        for held, _ in await self.installation.store.checks_by_key([self.key]):  # none while it is paused
            self.held = held

    async def change(self, **figures: Any) -> None:
        """Change the check as an update does."""
        now_us = self.installation.now_us

        def decide(check: Check) -> Check:
            kept = asdict(check.settings)
            del kept["timeout_us"]  # its default fits the interval
            given = {**kept, **figures}
            draft = CheckDraft(name=check.name, spec=check.spec, given=given)
            return changed_check(check, "", lambda _: draft, now_us)

        await self.installation.change(self.check, decide)
        await self._read_again()

    async def pause(self) -> None:
        """Pause the check."""
        now_us = self.installation.now_us
        await self.installation.change(self.check, lambda check: paused_check(check, now_us))

    async def resume(self) -> None:
        """Let the check go on."""
        now_us = self.installation.now_us
        await self.installation.change(self.check, lambda check: resumed_check(check, now_us))
        await self._read_again()

    async def kept(self) -> KeptCheck:
        """Return what is recorded of the check."""
        return (await self.installation.kept()).checks[self.check.id]

    async def recorded(self) -> list[tuple[int, Outcome, int]]:
        """Return its results: the number of the slot, how it ended, and how many slots it stands for."""
        first_us = self.slot(0)
        results = (await self.kept()).results
        return [((each.slot_us - first_us) // INTERVAL_US, each.outcome, each.slot_count) for each in results]
