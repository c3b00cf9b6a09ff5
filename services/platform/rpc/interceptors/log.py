"""One line a call: which method, for whom, how it ended, how long it took.

Successes are debug, so that a busy service stays quiet; refusals are info, our own faults error.
"""

import time

import grpc

from services.platform import logs
from services.platform.rpc.interceptors.call import Call, Step
from services.platform.rpc.interceptors.errors import code_of

_log = logs.get("call")
_FAULTS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)


async def log_call(call: Call, following: Step) -> None:
    """Log the call when it has ended, however it ended."""
    start = time.perf_counter()
    try:
        await following(call)
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
