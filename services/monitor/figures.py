"""The figures of services: what closed hours and days tell, and the tail; one way for whatever shows figures (§18)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol
from uuid import UUID

from services.common.clock import now_us
from services.monitor.buckets import latest_day, series_edges
from services.monitor.closing import Recorded, combine
from services.monitor.not_found import service_not_found
from services.monitor.uptime import Figures, total


class FiguresStore(Protocol):
    """What figures need from the database."""

    async def has_service(self, tenant_id: UUID, service_id: UUID) -> bool:
        """Whether the tenant has a service."""

    async def recorded(
        self, tenant_id: UUID, service_ids: Sequence[UUID], edges: Sequence[int], *, latencies: bool
    ) -> Mapping[UUID, Mapping[UUID, Recorded]]:
        """What is recorded of the checks of some services between edges, by service and check."""


@dataclass(frozen=True, slots=True)
class SeriesWanted:
    """Which series: a window up to now, or a span; and the size of its buckets.

    Attributes:
        window: a name of buckets.WINDOWS, or empty.
        start_us: where to begin instead of a window; None for none.
        end_us: where to end then; None for now.
        bucket: a name of buckets.BUCKETS, or empty.
    """

    window: str = ""
    start_us: int | None = None
    end_us: int | None = None
    bucket: str = ""


class ServiceFigures:
    """Answers how services were.

    Args:
        store: where it is recorded.
        keep_hours_us: how far back hours are kept.
    """

    def __init__(self, store: FiguresStore, keep_hours_us: int) -> None:
        self._store = store
        self._keep_hours_us = keep_hours_us

    async def between(
        self, tenant_id: UUID, service_ids: Sequence[UUID], edges: Sequence[int], now: int, *, latencies: bool = False
    ) -> Mapping[UUID, Sequence[Figures]]:
        """The figures of services for each span between two edges, summed over their checks.

        Args:
            tenant_id: the tenant.
            service_ids: its services.
            edges: where spans begin and end, rising; full hours but for the last, which may be now.
            now: the time.
            latencies: whether they carry latencies.
        """
        recorded = await self._store.recorded(tenant_id, service_ids, edges, latencies=latencies)
        found = {}
        for service_id in service_ids:
            by_check = [combine(each, edges, now) for each in recorded.get(service_id, {}).values()]
            by_check.append([Figures(start, end) for start, end in pairwise(edges)])
            found[service_id] = [total(part) for part in zip(*by_check, strict=True)]
        return found

    async def of_latest_day(self, tenant_id: UUID, service_ids: Sequence[UUID], now: int) -> Mapping[UUID, Figures]:
        """The figures of services over the latest 24 closed hours."""
        found = await self.between(tenant_id, service_ids, latest_day(now), now)
        return {service_id: figures for service_id, (figures,) in found.items()}

    async def series(self, tenant_id: UUID, service_id: UUID, wanted: SeriesWanted) -> Sequence[Figures]:
        """A series of a service's figures with their latencies, oldest first.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            InvalidArgument: naming the field that does not fit.
        """
        now = now_us()
        edges = series_edges(wanted.window, wanted.start_us, wanted.end_us, wanted.bucket, now, self._keep_hours_us)
        if not await self._store.has_service(tenant_id, service_id):
            raise service_not_found()
        return (await self.between(tenant_id, [service_id], edges, now, latencies=True))[service_id]
