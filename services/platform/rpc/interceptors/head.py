"""End streams that were asked for by HEAD: their headers are all that the client wants."""

from services.platform.rpc.interceptors.call import Call, Step

# Envoy sets it when it turns a REST call into a gRPC call.
_METHOD = "x-envoy-original-method"


async def end_head(call: Call, following: Step) -> None:
    """Return without a message if a stream was asked for by HEAD; a unary call of a GET route runs as for GET."""
    if call.rule.streams and call.metadata.get(_METHOD) == "HEAD":
        return
    await following(call)
