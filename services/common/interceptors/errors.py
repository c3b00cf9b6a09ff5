"""The one place that turns an error into a google.rpc.Status; nothing else knows grpc.StatusCode."""

import asyncio
import math

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.common import logs
from services.common.errors import Internal, InvalidArgument, ResourceExhausted, SentinelError, Unimplemented
from services.common.ids import new_id
from services.common.interceptors.call import Call, Context, Step
from services.common.interceptors.request_id import KEY

DOMAIN = "sentinel-stack"
_DETAILS = "grpc-status-details-bin"
# By their numbers on the wire.
CODES = {status.value[0]: status for status in grpc.StatusCode}

_log = logs.get("errors")


async def answer_errors(call: Call, following: Step) -> None:
    """Answer every error with its status and details; what nobody foresaw becomes a fixed INTERNAL."""
    try:
        await following(call)
    except SentinelError as error:
        await _abort(call.context, error, call.request_id)
    except (asyncio.CancelledError, grpc.aio.AbortError):
        raise
    except Exception:  # noqa: BLE001 — the last line of defence; it logs and answers INTERNAL
        # The text of an unforeseen exception would go to the client if grpc saw it.
        _log.exception("unforeseen", method=call.rule.method)
        await _abort(call.context, Internal(), call.request_id)


def code_of(context: Context) -> grpc.StatusCode:
    """How a call ended, as it leaves the links inside."""
    # Typed as StatusCode, but grpc.aio answers None before the end and a bare number after abort().
    code: object = context.code()
    if isinstance(code, grpc.StatusCode):
        return code
    return CODES[code] if isinstance(code, int) else grpc.StatusCode.OK


async def unknown_method(_request: bytes, context: Context) -> bytes:
    """What a method that does not exist answers."""
    error = Unimplemented(reasons.ERROR_REASON_METHOD_UNKNOWN, "there is no such method")
    await _abort(context, error, str(new_id()))
    return b""


async def _abort(context: Context, error: SentinelError, request_id: str) -> None:
    status = to_status(error, request_id)
    trailers: list[tuple[str, str | bytes]] = [(KEY, request_id), (_DETAILS, status.SerializeToString())]
    if isinstance(error, ResourceExhausted):
        trailers.append(
            ("retry-after", str(math.ceil(error.retry_after_s)))
        )  # what REST clients know (RFC 9110 §10.2.3)
    await context.abort(CODES[error.code], error.message, tuple(trailers))


def to_status(error: SentinelError, request_id: str) -> status_pb2.Status:
    """The error as the contract says it: exactly one ErrorInfo, and what else helps the caller."""
    reason = reasons.ErrorReason.Name(error.reason).removeprefix("ERROR_REASON_")
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=error.metadata),
        error_details_pb2.RequestInfo(request_id=request_id),
    ]
    if isinstance(error, InvalidArgument) and error.violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(field=each.field, description=each.description)
                    for each in error.violations
                ]
            )
        )
    if isinstance(error, ResourceExhausted):
        delay = Duration()
        delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = []
    for detail in details:
        wrapper = AnyMessage()
        wrapper.Pack(detail)
        packed.append(wrapper)
    return status_pb2.Status(code=error.code, message=error.message, details=packed)
