"""HEAD requests of streams: end them after the headers."""

from services.platform.rpc.interceptors.call import Call, Step

# Envoy sets it when it transcodes a REST call.
_METHOD = "x-envoy-original-method"


async def end_head(call: Call, following: Step) -> None:
    """End a stream that was requested by HEAD without a message; a unary call runs as for GET."""
    if call.rule.streams and call.metadata.get(_METHOD) == "HEAD":
        return
    await following(call)
