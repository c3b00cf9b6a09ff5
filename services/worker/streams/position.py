"""The position of a reader in a tenant's recorded results, and its cursor."""

import struct
from typing import NamedTuple
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.cursors import open_cursor
from services.platform.errors import FailedPrecondition
from services.platform.security.signed_tokens import TokenSigner

_LAYOUT = struct.Struct(">QQ16sq")
# Of cursors from before positions named their cluster.
_FORMER_LAYOUT = struct.Struct(">QQ16s")
_XID_BITS = 48
_NOT_NAMED = 0
FIRST_ID = UUID(int=0)


class Position(NamedTuple):
    """The position after one result, in the order in which results were recorded (docs/adr/0030).

    Positions of different eras must not be compared.

    Attributes:
        xid: the transaction that recorded it, in the low bits, and the number of the cluster in this database above
            them.
        slot_us: the slot of the result.
        check_id: the check of the result.
        cluster: the system identifier of the PostgreSQL cluster that recorded it.
    """

    xid: int
    slot_us: int
    check_id: UUID
    cluster: int

    @property
    def transaction(self) -> int:
        """The transaction's id in its cluster."""
        return self.xid & ((1 << _XID_BITS) - 1)

    @property
    def number(self) -> int:
        """The number of its cluster in this database."""
        return self.xid >> _XID_BITS

    @property
    def era(self) -> tuple[int, int]:
        """The number and its cluster: a database may be restored into a cluster that it was in before."""
        return self.number, self.cluster

    def beginning(self) -> "Position":
        """Return the position before all that its cluster recorded."""
        return Position(self.number << _XID_BITS, 0, FIRST_ID, self.cluster)

    def within(self, goal: "Position") -> "Position":
        """Return the position itself, or the beginning of the goal's era if that is another."""
        return self if self.era == goal.era else goal.beginning()

    def ahead(self, transactions: int) -> "Position":
        """Return the position before what a later transaction of its cluster recorded."""
        return Position(self.xid + transactions, 0, FIRST_ID, self.cluster)


# After every possible result; the slot is in the year 5138, which every clock can represent.
FAR_AHEAD = Position(2**63 - 1, 100_000_000_000_000_000, UUID(int=2**128 - 1), _NOT_NAMED)


class Cursors:
    """A codec of cursors.

    Args:
        signer: signs cursors, so that none can be forged or used for another tenant or filter.
    """

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer

    def write(self, tenant_id: UUID, scope: str, position: Position) -> str:
        """Return a cursor.

        Args:
            tenant_id: the tenant of the reader.
            scope: the filter of the stream.
            position: the position after which to resume.
        """
        packed = _LAYOUT.pack(position.xid, position.slot_us, position.check_id.bytes, position.cluster)
        return self._signer.sign(tenant_id, scope, packed)

    def read(self, tenant_id: UUID, scope: str, cursor: str) -> Position:
        """Verify a cursor and return its position.

        Raises:
            InvalidArgument: CURSOR_INVALID.
        """
        packed = open_cursor(self._signer, tenant_id, scope, cursor, _LAYOUT.size, _FORMER_LAYOUT.size)
        if len(packed) == _FORMER_LAYOUT.size:
            xid, slot_us, check_id = _FORMER_LAYOUT.unpack(packed)
            return Position(xid, slot_us, UUID(bytes=check_id), _NOT_NAMED)
        xid, slot_us, check_id, cluster = _LAYOUT.unpack(packed)
        return Position(xid, slot_us, UUID(bytes=check_id), cluster)


def resume(cursor: Position, settled: Position) -> Position:
    """Return the position from which a reader with a cursor resumes.

    Args:
        cursor: the position in the cursor. One from before positions named their cluster is of the first cluster.
        settled: the position after everything whose order is settled now.

    Raises:
        FailedPrecondition: CURSOR_OUTDATED: the cursor is of another cluster, or of a transaction after the present
            state of this one, because the cluster was restored to an earlier state.
    """
    is_of_this = cursor.era in (settled.era, (0, _NOT_NAMED)) and cursor.number == settled.number
    if not is_of_this or cursor.xid > settled.xid:
        raise FailedPrecondition(
            reasons.ERROR_REASON_CURSOR_OUTDATED,
            "Cursor predates a restore of the database: results recorded after it may be lost. Start a new stream "
            "without a cursor, and list the results of each check for what was recorded before.",
        )
    return cursor._replace(cluster=settled.cluster)
