"""Due slots that wait for a place, each tenant's and each target's in a lane of its own (semantics.md §20). Pure.

A tenant's checks whose bodies are kept wait apart from its others, since they need a place more.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from services.worker.fairness import Shares
from services.worker.schedule import ScheduledCheck

if TYPE_CHECKING:
    from services.worker.dispatch import Run


_Lane: TypeAlias = "deque[tuple[int, Run]]"
_Line = tuple[UUID, bool]


def lane_of(check: ScheduledCheck) -> tuple[_Line, str]:
    """Where a check waits: its tenant and whether its body is kept, and its target."""
    return (check.tenant_id, check.spec.reads_body), check.target


class Backlog:
    """What waits, in turns between tenants and between a tenant's targets.

    Lanes whose target is full are few, since each such target has many runs under way; so a turn costs no more for a
    tenant with ten thousand waiting slots.

    Args:
        shares: who may begin, and who has.
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._lines: dict[_Line, OrderedDict[str, _Lane]] = {}
        self._tickets = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __bool__(self) -> bool:
        return bool(self._lines)

    def holds(self, check: ScheduledCheck) -> bool:
        """Whether something waits that a check which is due now has to wait behind."""
        return (check.tenant_id, check.spec.reads_body) in self._lines

    def add(self, queued: "Run") -> None:
        """Let a check wait; whatever else it waited for is forgotten."""
        self._tickets -= 1  # below those of the schedule, which are above 0
        queued.ticket = self._tickets
        line, target = lane_of(queued.check)
        self._size += 1
        self._lines.setdefault(line, OrderedDict()).setdefault(target, deque()).append((self._tickets, queued))

    def admit(self, is_late: "Callable[[Run], bool]") -> "tuple[list[Run], list[Run]]":
        """Take out what may begin, its places taken, and what is too late.

        Args:
            is_late: says whether a check can no longer begin.
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
        """Let one slot of a tenant begin, if one may; take out what is too late, as far as it is in the way."""
        lanes = self._lines[line]
        tenant_id, keeps_body = line
        admitted = self._shares.admits_tenant(tenant_id, keeps_body=keeps_body)
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
                self._shares.take(queued.check)
                starting.append(queued)
            if not lane:
                del lanes[target]
            if begins or not (admitted or dropped):
                break
        if not lanes:
            del self._lines[line]


def _drop_heads(lane: _Lane, is_late: "Callable[[Run], bool]", late: "list[Run]") -> int:
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
