"""Results of runs on demand go when they are old: in bounded steps, as many processes at it as like."""

import asyncio
from typing import TYPE_CHECKING

from services.monitor.set_aside import SetAside
from services.platform.clock import now_us

if TYPE_CHECKING:
    from services.monitor.store.rollups import RollupSql

_LOOK_EVERY_S = 600.0
_A_STEP = 2_000
# Between two steps the database has time for what is urgent.
_PAUSE_S = 0.05


class OnDemandRemoval:
    """Drops results of runs on demand that are old.

    Args:
        store: where they are.
        keep_us: how long they are kept.

    Attributes:
        aside: what it could not do.
    """

    def __init__(self, store: "RollupSql", keep_us: int) -> None:
        self._store = store
        self._keep_us = keep_us
        self.aside = SetAside("on_demand_removal")

    async def run(self) -> None:
        """Drop until cancelled."""
        while True:
            more = False
            with self.aside.outlived():
                more = await self._store.drop_on_demand(now_us() - self._keep_us, _A_STEP)
            await asyncio.sleep(_PAUSE_S if more else _LOOK_EVERY_S)
