"""The tables of the simulation, as the conformance suite uses an installation."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from services.monitor.model import Check
from services.platform.ids import new_id
from tests.integration.worker.store.installation import Kept, KeptCheck, KeptIncident
from tests.support.simulation.database import Database, Row, Window
from tests.support.simulation.line import Line
from tests.support.simulation.memory import Memory


class InMemory:
    """An installation whose database is in memory, next to its workers."""

    def __init__(self) -> None:
        self._heard: list[tuple[str, str]] = []
        self._database = Database(lambda channel, payload: self._heard.append((channel, payload)))
        self._line = Line(trips_s=(0.0,))
        self.store = Memory(self._database, self._line)

    @property
    def now_us(self) -> int:
        return self._database.now_us

    async def pass_time(self, seconds: float) -> None:
        self._database.table.now_s += seconds

    async def add_tenant(self) -> tuple[UUID, UUID]:
        return new_id(), new_id()

    async def add_service(self, tenant_id: UUID) -> UUID:  # noqa: ARG002 — of a service nothing but its id matters here
        return new_id()

    async def create(self, check: Check) -> None:
        self._database.create(check)

    async def change(self, check: Check, decide: Callable[[Check], Check]) -> None:
        self._database.change(check.id, decide)

    async def delete(self, check: Check) -> None:
        self._database.delete(check.id)

    async def suspend(self, tenant_id: UUID) -> None:
        self._database.suspend(tenant_id)

    async def resume(self, tenant_id: UUID) -> None:
        self._database.resume(tenant_id)

    async def maintain(self, tenant_id: UUID, service_id: UUID | None, start_us: int, end_us: int) -> None:
        self._database.windows.append(Window(tenant_id, service_id, (start_us, end_us)))

    async def resolve(self, check: Check) -> None:
        self._database.resolve(check.id)

    @asynccontextmanager
    async def cut_off(self) -> AsyncIterator[None]:
        self._line.away = "refusing"
        yield
        self._line.away = ""

    async def kept(self) -> Kept:
        table = self._database.table
        checks = {check_id: _kept(row) for check_id, row in self._database.rows.items()}
        return Kept(checks, list(table.leases), frozenset(table.renewed_s))

    async def heard(self) -> Sequence[tuple[str, str]]:
        heard, self._heard = self._heard, []
        return heard


def _kept(row: Row) -> KeptCheck:
    periods: list[tuple[int, int | None, int]] = [(each.start_us, each.end_us, each.interval_us) for each in row.former]
    if row.since_us is not None:
        periods.append((row.since_us, None, row.check.settings.interval_us))
    return KeptCheck(
        check=row.check,
        periods=periods,
        track=row.track,
        accounted_us=row.accounted_us,
        results=sorted(row.results, key=lambda result: result.slot_us),
        incidents=[KeptIncident(each.start_us, each.detect_us, each.end_us, each.resolution) for each in row.incidents],
    )
