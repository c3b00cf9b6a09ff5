"""Health and reflection: grpc's own servicers, public and outside the chain, but with typed errors."""

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from services.platform.errors import RequestMalformed, RequestTooLarge, SentinelError
from services.platform.rpc.interceptors.call import Context
from services.platform.rpc.interceptors.errors import abort
from services.platform.rpc.interceptors.request_id import id_of
from services.platform.rpc.request_limits import MOST_BYTES

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


def with_typed_errors(handler: _Handler) -> _Handler:
    """Return the handler with typed errors for requests that are too large or malformed."""
    decode = _decoder(handler.request_deserializer)
    if handler.unary_unary is not None:
        answer: Callable[..., Any] = handler.unary_unary

        async def unary(request: object, context: Context) -> object:
            await _refuse(request, context)
            return await answer(request, context)

        return grpc.unary_unary_rpc_method_handler(unary, decode, handler.response_serializer)
    if handler.unary_stream is not None:
        # Typed by grpc like a method of its other, synchronous server.
        stream: Callable[..., Any] = handler.unary_stream

        async def streamed(request: object, context: Context) -> None:
            await _refuse(request, context)
            await stream(request, context)

        return grpc.unary_stream_rpc_method_handler(streamed, decode, handler.response_serializer)
    if handler.stream_stream is None:
        raise TypeError("client-streaming methods are not supported")
    both: Callable[..., Any] = handler.stream_stream

    async def talked(requests: AsyncIterator[object], context: Context) -> AsyncIterator[object]:
        async for response in both(_refusing(requests, context), context):
            yield response

    return grpc.stream_stream_rpc_method_handler(talked, decode, handler.response_serializer)


def _decoder(deserializer: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """Return a deserializer that returns its error, because grpc would return a raised one without details."""
    parse: Callable[[bytes], Any] = deserializer or bytes

    def decode(encoded: bytes) -> object:
        if len(encoded) > MOST_BYTES:
            return RequestTooLarge("bytes", MOST_BYTES, str(len(encoded)))
        try:
            return parse(encoded)
        except DecodeError:
            return RequestMalformed()

    return decode


async def _refuse(request: object, context: Context) -> None:
    if isinstance(request, SentinelError):
        await abort(context, request, id_of(dict(context.invocation_metadata() or ())))


async def _refusing(requests: AsyncIterator[object], context: Context) -> AsyncIterator[object]:
    async for request in requests:
        await _refuse(request, context)
        yield request
