"""Metrics of calls: count and duration."""

import asyncio
import time

from services.platform.metrics.process_metrics import Calls
from services.platform.rpc.interceptors.call import Call, CallNext
from services.platform.rpc.interceptors.errors import code_of

_CANCELLED = "CANCELLED"


class Measure:
    """The interceptor that counts calls.

    Args:
        calls: the metrics of calls.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def __call__(self, call: Call, call_next: CallNext) -> None:
        """Count the call when it has ended, with any outcome."""
        begun = time.perf_counter_ns()
        gone = False
        try:
            await call_next(call)
        except asyncio.CancelledError:
            gone = True  # grpc has set no status yet
            raise
        finally:
            code = _CANCELLED if gone else code_of(call.context).name
            took_us = (time.perf_counter_ns() - begun) // 1000
            self._calls.ended(call.rule.method, code, took_us, streams=call.rule.streams)
