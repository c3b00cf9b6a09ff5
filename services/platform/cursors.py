"""Cursors of streams: the position of a reader, signed against forgery and use for another tenant."""

from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import FieldViolation, InvalidArgument
from services.platform.security.signed_tokens import InvalidTokenError, TokenSigner


def open_cursor(signer: TokenSigner, tenant_id: UUID, scope: str, cursor: str, *sizes: int) -> bytes:
    """Verify a cursor and return its payload.

    Args:
        signer: the signer of the cursors.
        tenant_id: the tenant of the caller.
        scope: the filter of the stream.
        cursor: the cursor as sent.
        sizes: the accepted sizes of the payload in bytes: of the present format, and of older ones that are still read.

    Raises:
        InvalidArgument: CURSOR_INVALID.
    """
    try:
        position = signer.verify(tenant_id, scope, cursor)
    except InvalidTokenError as error:
        raise _invalid() from error
    if len(position) not in sizes:
        raise _invalid()
    return position


def _invalid() -> InvalidArgument:
    violation = FieldViolation("cursor", "must be a cursor that this stream returned for the same filter")
    message = f"{violation.field}: {violation.description}"
    return InvalidArgument(message, [violation], reasons.ERROR_REASON_CURSOR_INVALID)
