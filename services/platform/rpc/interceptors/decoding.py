"""Parsing of the request inside the chain, so that malformed bytes get a typed error like any bad input.

grpc's own deserializer runs before any interceptor: its exception would become an untyped INTERNAL and a traceback in
the log.
"""

from google.protobuf.message import DecodeError, Message

from services.platform.errors import RequestMalformed
from services.platform.rpc.interceptors.call import Call, CallNext
from services.platform.rpc.request_limits import refuse_too_large


async def decode_request(call: Call, call_next: CallNext) -> None:
    """Parse the request.

    Raises:
        RequestTooLarge: REQUEST_TOO_LARGE.
        RequestMalformed: REQUEST_MALFORMED.
    """
    call.request = decoded(call.encoded, call.request_type)
    await call_next(call)


def decoded(encoded: bytes, kind: type[Message]) -> Message:
    """Parse bytes as a message of a type.

    Raises:
        RequestTooLarge: there are too many bytes or fields.
        RequestMalformed: they are not a valid message.
    """
    refuse_too_large(encoded, kind)
    try:
        return kind.FromString(encoded)
    except DecodeError:
        raise RequestMalformed from None
