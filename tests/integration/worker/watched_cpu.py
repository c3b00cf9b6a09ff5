"""A queue for work that takes long, which remembers for whom it worked."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from services.worker.cpu_queue import CpuQueue

T = TypeVar("T")


class WatchedCpu(CpuQueue):
    """Remembers for whom it worked.

    Attributes:
        worked: the tenants, once for each piece of work.
    """

    def __init__(self) -> None:
        super().__init__()
        self.worked: list[UUID] = []

    async def run(self, tenant_id: UUID, work: Callable[[], T]) -> T:
        """Work as always."""
        self.worked.append(tenant_id)
        return await super().run(tenant_id, work)
