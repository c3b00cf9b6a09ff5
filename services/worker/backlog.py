"""Due slots that wait for a place, each tenant's and each target's in a lane of its own (semantics.md §20). Pure."""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from services.worker.fairness import Shares
from services.worker.schedule import ScheduledCheck


class Queued(Protocol):
    """A check whose slot is due.

    Attributes:
        check: the check.
        ticket: which of its waits counts; 0 when none does.
    """

    check: ScheduledCheck
    ticket: int


_Lane = deque[tuple[int, Queued]]


class Backlog:
    """What waits, in turns between tenants and between a tenant's targets.

    Lanes whose target is full are few, since each such target has many runs under way; so a turn costs no more for a
    tenant with ten thousand waiting slots.

    Args:
        shares: who may begin, and who has.
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._tenants: dict[UUID, OrderedDict[str, _Lane]] = {}
        self._tickets = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __bool__(self) -> bool:
        return bool(self._tenants)

    def holds(self, tenant_id: UUID) -> bool:
        """Whether something of a tenant waits, so that what comes now has to wait behind it."""
        return tenant_id in self._tenants

    def add(self, queued: Queued) -> None:
        """Let a check wait; whatever else it waited for is forgotten."""
        self._tickets -= 1  # below those of the schedule, which are above 0
        queued.ticket = self._tickets
        lanes = self._tenants.setdefault(queued.check.tenant_id, OrderedDict())
        self._size += 1
        lanes.setdefault(queued.check.target, deque()).append((self._tickets, queued))

    def admit(self, is_late: Callable[[Queued], bool]) -> tuple[list[Queued], list[Queued]]:
        """Take out what may begin, its places taken, and what is too late.

        Args:
            is_late: says whether a check can no longer begin.
        """
        starting: list[Queued] = []
        late: list[Queued] = []
        before = -1
        while before != len(starting):
            before = len(starting)
            for tenant_id in tuple(self._tenants):
                self._turn(tenant_id, is_late, starting, late)
        return starting, late

    def _turn(
        self, tenant_id: UUID, is_late: Callable[[Queued], bool], starting: list[Queued], late: list[Queued]
    ) -> None:
        """Let one slot of a tenant begin, if one may; take out what is too late, as far as it is in the way."""
        lanes = self._tenants[tenant_id]
        admitted = self._shares.admits_tenant(tenant_id)
        for _ in range(len(lanes)):
            target, lane = next(iter(lanes.items()))
            lanes.move_to_end(target)
            dropped = _drop_heads(lane, is_late, late)
            self._size -= dropped
            begins = bool(lane) and admitted and self._shares.admits_target(tenant_id, target)
            if begins:
                queued = lane.popleft()[1]
                self._size -= 1
                queued.ticket = 0
                self._shares.take(tenant_id, target)
                starting.append(queued)
            if not lane:
                del lanes[target]
            if begins or not (admitted or dropped):
                break
        if not lanes:
            del self._tenants[tenant_id]


def _drop_heads(lane: _Lane, is_late: Callable[[Queued], bool], late: list[Queued]) -> int:
    """Take what counts no more or is too late from the front of a lane; answers how many there were."""
    before = len(lane)
    while lane:
        ticket, queued = lane[0]
        if queued.ticket == ticket:
            if not is_late(queued):
                break
            queued.ticket = 0
            late.append(queued)
        lane.popleft()
    return before - len(lane)
