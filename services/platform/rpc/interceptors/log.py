"""The log of calls: one line for each, with method, caller, status and duration.

Successes are logged as debug, refusals as info, internal errors as error.
"""

import time

import grpc

from services.platform import logs
from services.platform.rpc.interceptors.call import Call, CallNext
from services.platform.rpc.interceptors.errors import code_of

_log = logs.get("call")
_FAULTS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)


async def log_call(call: Call, call_next: CallNext) -> None:
    """Log the call when it has ended, with any outcome."""
    start = time.perf_counter()
    try:
        await call_next(call)
    finally:
        code = code_of(call.context)
        write = _log.debug if code is grpc.StatusCode.OK else _log.error if code in _FAULTS else _log.info
        write(
            call.rule.method,
            code=code.name,
            ms=round((time.perf_counter() - start) * 1000, 2),
            tenant_id=str(call.principal.tenant_id) if call.principal else None,
            user_id=str(call.principal.user_id) if call.principal else None,
            address=call.origin.address if call.origin else None,
        )
