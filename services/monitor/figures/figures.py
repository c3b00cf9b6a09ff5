"""Compute the figures of services from closed hours, closed days and the tail (semantics.md §18)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING
from uuid import UUID

from services.monitor.figures.buckets import first_hour, latest_day, series_edges
from services.monitor.figures.closed_hours import CheckHistory, combine_figures
from services.monitor.figures.latency import Latencies
from services.monitor.figures.rollup import Retention
from services.monitor.figures.uptime import Figures, total
from services.monitor.not_found import service_not_found
from services.platform.clock import now_us

if TYPE_CHECKING:
    from services.monitor.store.figures import FiguresSql


@dataclass(frozen=True, slots=True)
class SeriesWanted:
    """A request for a series: a window up to now or a span, and the size of the buckets.

    Attributes:
        window: a name of buckets.WINDOWS; empty for the default, or for a span.
        start_us: the start of the span; None for a window.
        end_us: the end of the span; None for now.
        bucket: a name of buckets.BUCKETS; empty for the default.
    """

    window: str = ""
    start_us: int | None = None
    end_us: int | None = None
    bucket: str = ""


class ServiceFigures:
    """Use cases of the figures of services.

    Args:
        store: the recorded data in PostgreSQL.
        keep: how long raw results and hours are kept.
    """

    def __init__(self, store: "FiguresSql", keep: Retention) -> None:
        self._store = store
        self._retention = keep

    async def of_latest_day(self, tenant_id: UUID, service_ids: Sequence[UUID], now: int) -> Mapping[UUID, Figures]:
        """Return the figures of services over the latest 24 closed hours, by service.

        Latencies are left out, because adding up those of many services is expensive. If a service was not on in any
        of these hours, its figures extend to now.
        """
        found = await self._of_span(tenant_id, service_ids, latest_day(now), now)
        young = [service_id for service_id in service_ids if not found[service_id].life_us]
        return {**found, **await self._of_span(tenant_id, young, first_hour(now), now)} if young else found

    async def _of_span(
        self, tenant_id: UUID, service_ids: Sequence[UUID], edges: tuple[int, int], now: int
    ) -> dict[UUID, Figures]:
        recorded = await self._store.recorded(tenant_id, service_ids, edges)
        return {
            service_id: replace(summed(recorded.get(service_id, ()), edges, now)[0], latencies=Latencies())
            for service_id in service_ids
        }

    async def series(self, tenant_id: UUID, service_id: UUID, wanted: SeriesWanted) -> Sequence[Figures]:
        """Return the figures of a service for each bucket of a series, oldest first.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            InvalidArgument: the named field is invalid, or needs data that retention has removed.
        """
        now = now_us()
        edges = series_edges(wanted.window, wanted.start_us, wanted.end_us, wanted.bucket, now, self._retention)
        recorded = await self._store.recorded_of_service(tenant_id, service_id, edges)
        if recorded is None:
            raise service_not_found()
        return summed(recorded, edges, now)


def summed(recorded: Sequence[CheckHistory], edges: Sequence[int], now: int) -> Sequence[Figures]:
    """Return the sum of the figures of some checks for each span between two edges (semantics.md §18)."""
    by_check = [combine_figures(each, edges, now) for each in recorded]
    if len(by_check) == 1:
        return by_check[0]
    nothing = [Figures(start_us=start, end_us=end) for start, end in pairwise(edges)]
    return [total(part) for part in zip(nothing, *by_check, strict=True)]
