"""Removal of old results of on-demand runs: in bounded steps; several processes may do it at once."""

import asyncio
from typing import TYPE_CHECKING

from services.monitor.quarantine import Quarantine
from services.platform.clock import now_us

if TYPE_CHECKING:
    from services.monitor.store.rollups import RollupSql

# A fixed schedule without retries: the next round does what a failed one did not.
_INTERVAL_S = 600.0
_BATCH_SIZE = 2_000
# The pause leaves the database time for urgent work.
_PAUSE_S = 0.05


class OnDemandRemoval:
    """A loop that removes old results of on-demand runs.

    Args:
        store: the results in PostgreSQL.
        keep_us: how long they are kept, in microseconds.

    Attributes:
        quarantine: the count of failures.
    """

    def __init__(self, store: "RollupSql", keep_us: int) -> None:
        self._store = store
        self._retention_us = keep_us
        self.quarantine = Quarantine("on_demand_removal")

    async def run(self) -> None:
        """Remove old results until cancelled."""
        while True:
            more = False
            with self.quarantine.tolerate_failures():
                more = await self._store.drop_on_demand(now_us() - self._retention_us, _BATCH_SIZE)
            await asyncio.sleep(_PAUSE_S if more else _INTERVAL_S)
