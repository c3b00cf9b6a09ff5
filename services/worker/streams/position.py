"""Where a reader stands in a tenant's recorded results, and the cursor that says so to the client."""

import struct
from typing import NamedTuple
from uuid import UUID

from services.common.cursors import open_cursor
from services.common.sealed import Sealer

_LAYOUT = struct.Struct(">QQ16s")


class Position(NamedTuple):
    """Right behind one result, in the order in which results were recorded.

    Attributes:
        xid: the transaction that recorded it.
        slot_us: its slot.
        check_id: its check.
    """

    xid: int
    slot_us: int
    check_id: UUID


FIRST_ID = UUID(int=0)
# Behind whatever may be recorded; the slot is in the year 5138, which every clock still can say.
FAR_AHEAD = Position(2**63 - 1, 100_000_000_000_000_000, UUID(int=2**128 - 1))


class Cursors:
    """Writes positions as cursors and reads them back.

    Args:
        sealer: seals them, so that none can be forged or carried to another tenant or filter.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def write(self, tenant_id: UUID, scope: str, position: Position) -> str:
        """A cursor.

        Args:
            tenant_id: whose.
            scope: the filter of the stream.
            position: where to resume behind.
        """
        packed = _LAYOUT.pack(position.xid, position.slot_us, position.check_id.bytes)
        return self._sealer.seal(tenant_id, scope, packed)

    def read(self, tenant_id: UUID, scope: str, cursor: str) -> Position:
        """The position.

        Raises:
            InvalidArgument: CURSOR_INVALID.
        """
        xid, slot_us, check_id = _LAYOUT.unpack(open_cursor(self._sealer, tenant_id, scope, cursor, _LAYOUT.size))
        return Position(xid, slot_us, UUID(bytes=check_id))
