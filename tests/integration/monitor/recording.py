"""Recording results as a worker does, for tests of what monitor makes of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.platform.clock import from_datetime
from services.worker.record import Pending
from services.worker.store import EngineStore

DOWN = Outcome.DOWN
STEP = 10  # microseconds: what is recorded lies in the past already, as it does of a worker


class Worker:
    """Records what a check's slots end as, each a moment behind the one before.

    Args:
        engine: as a worker asks the database.
        admin: the owner of the tables.
    """

    def __init__(self, engine: EngineStore, admin: Any) -> None:
        self._engine = engine
        self._admin = admin

    async def record(self, check_id: UUID, outcomes: Sequence[Outcome], message: str = "refused") -> int:
        """Record some; answers the slot of the first."""
        interval = await self._admin.fetchval("SELECT interval_us FROM checks WHERE id = $1", check_id)
        period = "SELECT max(start_time) FROM check_periods WHERE check_id = $1"
        accounted = "SELECT accounted_time FROM check_states WHERE check_id = $1"
        moments = [await self._admin.fetchval(query, check_id) for query in (period, accounted)]
        first = max(map(from_datetime, moments)) + STEP
        tenant_id = await self._admin.fetchval("SELECT tenant_id FROM checks WHERE id = $1", check_id)
        (held,) = await self._engine.checks_by_key([(tenant_id, check_id)])
        check = held[0]
        batch = [
            Pending(
                Result(
                    tenant_id=check.tenant_id,
                    service_id=check.service_id,
                    check_id=check_id,
                    slot_us=first + number * STEP,
                    interval_us=interval,
                    outcome=outcome,
                    worker_id="w",
                    error_kind=ErrorKind.CONNECT_REFUSED if outcome is DOWN else None,
                    error_message=message if outcome is DOWN else "",
                ),
                check,
                0,
            )
            for number, outcome in enumerate(outcomes)
        ]
        assert await self._engine.record(batch) == len(batch)
        return first
