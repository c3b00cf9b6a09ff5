"""A cursor is of the cluster that recorded what it points behind, and of no other."""

import struct
from uuid import UUID

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import FailedPrecondition, InvalidArgument
from services.platform.security.signed_tokens import TokenSigner
from services.worker.streams.position import FIRST_ID, Cursors, Position, resume

TENANT, CHECK = UUID(int=1), UUID(int=2)
SEALER = TokenSigner(b"key", "cursor")
HERE, ELSEWHERE = -(2**62), 2**62


def at(xid: int, *, number: int = 0, cluster: int = HERE) -> Position:
    return Position((number << 48) + xid, 0, FIRST_ID, cluster)


@pytest.mark.parametrize("cluster", [HERE, ELSEWHERE])
def test_a_cursor_is_read_as_it_was_written(cluster: int) -> None:
    cursors, position = Cursors(SEALER), Position((3 << 48) + 9, 10, CHECK, cluster)
    assert cursors.read(TENANT, "", cursors.write(TENANT, "", position)) == position


def former(xid: int) -> Position:
    """Read a cursor as it was written before positions named their cluster."""
    packed = struct.pack(">QQ16s", xid, 0, FIRST_ID.bytes)
    return Cursors(SEALER).read(TENANT, "", SEALER.sign(TENANT, "", packed))


def test_a_cursor_of_another_length_is_invalid() -> None:
    with pytest.raises(InvalidArgument):
        Cursors(SEALER).read(TENANT, "", SEALER.sign(TENANT, "", bytes(39)))


@pytest.mark.parametrize(
    ("cursor", "settled"),
    [(at(5), at(5)), (at(5), at(9)), (at(5, number=2), at(9, number=2)), (former(5), at(9))],
)
def test_a_cursor_of_the_present_cluster_is_resumed(cursor: Position, settled: Position) -> None:
    assert resume(cursor, settled) == (cursor.xid, cursor.slot_us, cursor.check_id, HERE)


@pytest.mark.parametrize(
    ("cursor", "settled"),
    [
        pytest.param(at(5, cluster=ELSEWHERE), at(9), id="another cluster of the same number"),
        pytest.param(at(5), at(9, number=1, cluster=ELSEWHERE), id="restored into another cluster"),
        pytest.param(at(5), at(9, number=2), id="came back into the same cluster"),
        pytest.param(at(5, number=1), at(9), id="restored from before it was moved"),
        pytest.param(former(5), at(9, number=1), id="from before positions named their cluster"),
        pytest.param(at(10), at(9), id="the cluster was set back to an earlier time"),
    ],
)
def test_any_other_cursor_is_outdated(cursor: Position, settled: Position) -> None:
    with pytest.raises(FailedPrecondition) as refused:
        resume(cursor, settled)
    assert refused.value.reason == reasons.ERROR_REASON_CURSOR_OUTDATED
