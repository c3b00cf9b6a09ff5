"""Parses the request, inside the chain, so that bytes which are no message get a typed answer like any bad input.

grpc's own deserializer runs before any interceptor: what it raises becomes an untyped INTERNAL and a traceback in the
log.
"""

from google.protobuf.message import DecodeError, Message

from services.platform.errors import RequestMalformed
from services.platform.rpc.interceptors.call import Call, Step
from services.platform.rpc.request_limits import refuse_too_large


async def decode_request(call: Call, following: Step) -> None:
    """Parse the request.

    Raises:
        RequestTooLarge: REQUEST_TOO_LARGE.
        RequestMalformed: REQUEST_MALFORMED.
    """
    call.request = decoded(call.encoded, call.request_type)
    await following(call)


def decoded(encoded: bytes, kind: type[Message]) -> Message:
    """Return the message of a kind that these bytes are.

    Raises:
        RequestTooLarge: there are too many of them.
        RequestMalformed: they are none.
    """
    refuse_too_large(encoded, kind)
    try:
        return kind.FromString(encoded)
    except DecodeError:
        raise RequestMalformed from None
