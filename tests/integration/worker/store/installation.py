"""An installation as the conformance suite uses it: the stores that workers ask, and what others do meanwhile.

Two stand behind it: PostgreSQL with the product's SQL (in_sql.py), and the tables of the simulation (in_memory.py). One
body of tests holds both to semantics.md, and test_lockstep.py to each other.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.checks.grid import SHARDS
from services.checks.incident import Resolution
from services.checks.result import Result
from services.checks.state import Track
from services.monitor.model import Check
from services.worker.lease import LeaseStore
from services.worker.record import RecordStore
from services.worker.roster import Held, RosterStore
from tests.support.simulation.leases import Lease

ALL_SHARDS = range(SHARDS)


class WorkerStore(LeaseStore, RosterStore, RecordStore, Protocol):
    """What a worker asks of the database."""


@dataclass(frozen=True, slots=True)
class KeptIncident:
    """An incident; without an end it is open."""

    start_us: int
    detect_us: int
    end_us: int | None
    resolution: Resolution | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCheck:
    """A check, and what is recorded of it.

    Attributes:
        check: the check.
        periods: in which it was enabled: from when, until when (None: it goes on), with which interval.
        track: what its results amount to.
        accounted_us: its last accounted slot.
        results: in the order of their slots.
        incidents: in the order in which they began.
    """

    check: Check
    periods: Sequence[tuple[int, int | None, int]]
    track: Track
    accounted_us: int
    results: Sequence[Result]
    incidents: Sequence[KeptIncident]

    @property
    def slots(self) -> list[int]:
        """Each slot that is accounted for; ranges are expanded."""
        return [each.slot_us + number * each.interval_us for each in self.results for number in range(each.slot_count)]


@dataclass(frozen=True, slots=True)
class Kept:
    """All that an installation holds.

    Attributes:
        checks: those that are not deleted.
        leases: by shard.
        workers: those that count as live, or may.
    """

    checks: Mapping[UUID, KeptCheck]
    leases: Sequence[Lease]
    workers: frozenset[str]


class Installation(Protocol):
    """What is done to an installation, and asked of it, beside what its workers ask.

    Time advances only on request of a test, and begins at BASE_US.
    """

    @property
    def store(self) -> WorkerStore:
        """What its workers ask."""

    @property
    def now_us(self) -> int:
        """The database's clock."""

    async def pass_time(self, seconds: float) -> None:
        """Let time pass."""

    async def add_tenant(self) -> tuple[UUID, UUID]:
        """Add a tenant with a service; return the ids of both."""

    async def add_service(self, tenant_id: UUID) -> UUID:
        """Add another service to a tenant; return its id."""

    async def create(self, check: Check) -> None:
        """Record a new check."""

    async def change(self, check: Check, decide: Callable[[Check], Check]) -> None:
        """Make a check what `decide` says."""

    async def delete(self, check: Check) -> None:
        """Delete a check."""

    async def suspend(self, tenant_id: UUID) -> None:
        """Suspend a tenant."""

    async def resume(self, tenant_id: UUID) -> None:
        """Let a suspended tenant go on."""

    async def maintain(self, tenant_id: UUID, service_id: UUID | None, start_us: int, end_us: int) -> None:
        """Plan maintenance of a service, or of all of a tenant's."""

    async def resolve(self, check: Check) -> None:
        """End the open incident of a check by hand."""

    def cut_off(self) -> AbstractAsyncContextManager[None]:
        """Cut off what workers ask inside the block, while the database works on it."""

    async def kept(self) -> Kept:
        """Return all that it holds."""

    async def heard(self) -> Sequence[tuple[str, str]]:
        """Return what was notified to workers since this was last asked, in order: the channel, and the payload."""


async def all_on(store: RosterStore, shards: Sequence[int] = ALL_SHARDS) -> list[Held]:
    """Return the checks of some shards that are on, in the order of their ids."""
    held = [each async for some in store.checks_of_shards(shards) for each in some]
    return sorted(held, key=lambda each: each[0].id)
