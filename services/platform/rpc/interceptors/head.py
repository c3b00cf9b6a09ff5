"""HEAD requests of streams: end them after the headers."""

from services.platform.rpc.interceptors.call import Call, CallNext

# Envoy sets it when it transcodes a REST call.
_METHOD = "x-envoy-original-method"


async def end_head(call: Call, call_next: CallNext) -> None:
    """End a stream that was requested by HEAD without a message; a unary call runs as for GET."""
    if call.rule.streams and call.metadata.get(_METHOD) == "HEAD":
        return
    await call_next(call)
