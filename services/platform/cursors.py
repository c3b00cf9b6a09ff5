"""Cursors of streams: where a reader stands, sealed, so that none can be forged or carried to another tenant."""

from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import FieldViolation, InvalidArgument
from services.platform.security.sealed import Sealer, SealError


def open_cursor(sealer: Sealer, tenant_id: UUID, scope: str, cursor: str, *sizes: int) -> bytes:
    """What a cursor says.

    Args:
        sealer: what sealed it.
        tenant_id: whose.
        scope: the filter of the stream.
        cursor: as the client sent it.
        sizes: how many bytes it says that in, as of the present version and of those before that are still read.

    Raises:
        InvalidArgument: CURSOR_INVALID.
    """
    try:
        position = sealer.open(tenant_id, scope, cursor)
    except SealError as error:
        raise _invalid() from error
    if len(position) not in sizes:
        raise _invalid()
    return position


def _invalid() -> InvalidArgument:
    violation = FieldViolation("cursor", "must be a cursor that this stream returned for the same filter")
    message = f"{violation.field}: {violation.description}"
    return InvalidArgument(message, [violation], reasons.ERROR_REASON_CURSOR_INVALID)
