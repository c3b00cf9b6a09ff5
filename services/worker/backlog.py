"""The queue of due slots that wait for a place, with a lane for each tenant and target (semantics.md §20). Pure.

A tenant's checks whose bodies are kept wait separately, because they need an additional place.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from services.worker.fairness import ConcurrencyLimits
from services.worker.schedule import ScheduledCheck

if TYPE_CHECKING:
    from services.worker.dispatch import Run


_Lane: TypeAlias = "deque[tuple[int, Run]]"
_Line = tuple[UUID, bool]


def lane_of(check: ScheduledCheck) -> tuple[_Line, str]:
    """Return where a check waits: its tenant with whether its body is kept, and its target."""
    return (check.tenant_id, check.spec.reads_body), check.target


class Backlog:
    """The waiting slots; tenants take turns, and so do the targets of a tenant.

    Lanes whose target is full are few, since each such target has many runs in progress; so a turn costs no more for a
    tenant with ten thousand waiting slots.

    Args:
        limits: decides which runs may begin.
    """

    def __init__(self, limits: ConcurrencyLimits) -> None:
        self._limits = limits
        self._lines: dict[_Line, OrderedDict[str, _Lane]] = {}
        self._tickets = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __bool__(self) -> bool:
        return bool(self._lines)

    def holds(self, check: ScheduledCheck) -> bool:
        """Return whether a check that is due now has to wait behind another one."""
        return (check.tenant_id, check.spec.reads_body) in self._lines

    def add(self, queued: "Run") -> None:
        """Queue a check; it no longer waits for anything else."""
        self._tickets -= 1  # below those of the schedule, which are above 0
        queued.ticket = self._tickets
        line, target = lane_of(queued.check)
        self._size += 1
        self._lines.setdefault(line, OrderedDict()).setdefault(target, deque()).append((self._tickets, queued))

    def admit(self, is_late: "Callable[[Run], bool]") -> "tuple[list[Run], list[Run]]":
        """Remove and return the runs that may begin, with their places taken, and those that are too late.

        Args:
            is_late: returns whether a run can no longer begin.
        """
        starting: list[Run] = []
        late: list[Run] = []
        before = -1
        while before != len(starting):
            before = len(starting)
            for line in tuple(self._lines):
                self._turn(line, is_late, starting, late)
        return starting, late

    def _turn(self, line: _Line, is_late: "Callable[[Run], bool]", starting: "list[Run]", late: "list[Run]") -> None:
        """Let one slot of a tenant begin, if one may; remove late ones at the head of its lanes."""
        lanes = self._lines[line]
        tenant_id, keeps_body = line
        admitted = self._limits.admits_tenant(tenant_id, keeps_body=keeps_body)
        for _ in range(len(lanes)):
            target, lane = next(iter(lanes.items()))
            lanes.move_to_end(target)
            dropped = _drop_heads(lane, is_late, late)
            self._size -= dropped
            begins = bool(lane) and admitted and self._limits.admits_target(tenant_id, target)
            if begins:
                queued = lane.popleft()[1]
                self._size -= 1
                queued.ticket = 0
                self._limits.acquire(queued.check)
                starting.append(queued)
            if not lane:
                del lanes[target]
            if begins or not (admitted or dropped):
                break
        if not lanes:
            del self._lines[line]


def _drop_heads(lane: _Lane, is_late: "Callable[[Run], bool]", late: "list[Run]") -> int:
    """Remove stale and late entries from the head of a lane; return how many."""
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
