"""An error as a google.rpc.Status of bounded size.

The status goes into the trailers as grpc-status-details-bin, and its message again as grpc-message. Trailers that are
larger than clients and proxies accept can end a connection that other calls share. So its size does not depend on the
request: texts are truncated, then violations omitted. ErrorInfo and RequestInfo are always included.
"""

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import MOST_VIOLATIONS, InvalidArgument, ResourceExhausted, SentinelError

DOMAIN = "sentinel-stack"
MOST_BYTES = 4_096
# Percent-encoded in grpc-message, a byte can take three.
_MESSAGE_BYTES = 600
_FIELD_BYTES = 200
_DESCRIPTION_BYTES = 300
_VALUE_BYTES = 100


def to_status(error: SentinelError, request_id: str) -> status_pb2.Status:
    """Return the error as a google.rpc.Status: exactly one ErrorInfo, and further details.

    Args:
        error: the error.
        request_id: the id of the call.

    Returns:
        The status, at most MOST_BYTES when serialized.
    """
    violations = _violations(error)
    status = _status(error, request_id, violations)
    while status.ByteSize() > MOST_BYTES and violations:
        violations.pop()
        status = _status(error, request_id, violations)
    return status


def _violations(error: SentinelError) -> list[error_details_pb2.BadRequest.FieldViolation]:
    if not isinstance(error, InvalidArgument):
        return []
    return [
        error_details_pb2.BadRequest.FieldViolation(
            field=_cut(each.field, _FIELD_BYTES), description=_cut(each.description, _DESCRIPTION_BYTES)
        )
        for each in error.violations[:MOST_VIOLATIONS]
    ]


def _status(
    error: SentinelError, request_id: str, violations: list[error_details_pb2.BadRequest.FieldViolation]
) -> status_pb2.Status:
    metadata = {key: _cut(value, _VALUE_BYTES) for key, value in error.metadata.items()}
    if isinstance(error, InvalidArgument) and len(violations) < error.found:
        metadata |= {"violationsFound": str(error.found), "violationsShown": str(len(violations))}
    reason = reasons.ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_")
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    if violations:
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if isinstance(error, ResourceExhausted):
        delay = Duration()
        delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = []
    for detail in details:
        wrapper = AnyMessage()
        wrapper.Pack(detail)
        packed.append(wrapper)
    return status_pb2.Status(code=error.code, message=_cut(error.message, _MESSAGE_BYTES), details=packed)


def _cut(text: str, most_bytes: int) -> str:
    # An unpaired surrogate, which a text from JSON can contain, cannot be encoded.
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= most_bytes:
        return encoded.decode()
    return encoded[: most_bytes - len("…".encode())].decode("utf-8", "ignore") + "…"
