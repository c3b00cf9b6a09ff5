"""The conversion of errors to gRPC statuses; no other module uses grpc.StatusCode for errors."""

import asyncio
import math

import grpc
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform import logs
from services.platform.errors import Internal, ResourceExhausted, SentinelError, Unimplemented
from services.platform.rpc.interceptors.call import Call, CallNext, Context
from services.platform.rpc.interceptors.request_id import KEY, id_of
from services.platform.rpc.interceptors.status import to_status

_DETAILS = "grpc-status-details-bin"
# By their numbers on the wire.
CODES = {status.value[0]: status for status in grpc.StatusCode}

_log = logs.get("errors")


async def answer_errors(call: Call, call_next: CallNext) -> None:
    """End the call with the status of its error; log an unhandled exception, and return a fixed INTERNAL."""
    failure: SentinelError | None = None
    try:
        await call_next(call)
    except SentinelError as error:
        # The traceback refers to the request, and grpc keeps the exception of abort, which refers to the handled one.
        failure = error.with_traceback(None)
    except (asyncio.CancelledError, grpc.aio.AbortError):
        raise
    except Exception:  # noqa: BLE001 — unhandled errors are logged and end as INTERNAL
        # grpc would send the text of an unhandled exception to the client.
        _log.exception("unhandled exception", method=call.rule.method)
        failure = Internal()
    if failure is not None:
        failure.__context__ = failure.__cause__ = None
        await abort(call.context, failure, call.request_id)


def code_of(context: Context) -> grpc.StatusCode:
    """Return the status code of a call, as set by the inner interceptors."""
    # Typed as StatusCode, but grpc.aio returns None before the end and a bare number after abort().
    code: object = context.code()
    if isinstance(code, grpc.StatusCode):
        return code
    return CODES[code] if isinstance(code, int) else grpc.StatusCode.OK


async def unknown_method(_request: bytes, context: Context) -> bytes:
    """End a call of an unknown method with METHOD_UNKNOWN."""
    error = Unimplemented(reasons.ERROR_REASON_METHOD_UNKNOWN, "Method not found.")
    await abort(context, error, id_of(dict(context.invocation_metadata() or ())))
    return b""


async def abort(context: Context, error: SentinelError, request_id: str) -> None:
    """End a call with an error: its status with details, and the request id."""
    status = to_status(error, request_id)
    trailers: list[tuple[str, str | bytes]] = [(KEY, request_id), (_DETAILS, status.SerializeToString())]
    if isinstance(error, ResourceExhausted):
        trailers.append(
            ("retry-after", str(math.ceil(error.retry_after_s)))
        )  # the form for REST clients (RFC 9110 §10.2.3)
    await context.abort(CODES[error.code], status.message, tuple(trailers))
