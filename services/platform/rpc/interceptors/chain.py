"""The interceptor chain, for unary and streaming calls alike.

    request id → origin → log → measure → errors → decoding → rest → authentication → access → validation → head
        → servicer

The order is part of the behaviour, and test_chain_order.py tests it: the request id comes first, so that every
interceptor can name it, and the origin before anything is refused or logged; log and measure see every outcome, so
errors are converted inside them; a malformed request or an invalid query is refused before authentication;
authentication precedes access; a refused caller learns nothing about validity; HEAD is refused like GET.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from services.platform.metrics.process_metrics import Calls
from services.platform.rpc.interceptors.access import check_access
from services.platform.rpc.interceptors.authentication import Authentication
from services.platform.rpc.interceptors.call import Call, CallNext, Context, Interceptor
from services.platform.rpc.interceptors.decoding import decode_request
from services.platform.rpc.interceptors.errors import answer_errors, unknown_method
from services.platform.rpc.interceptors.head import end_head
from services.platform.rpc.interceptors.infrastructure import with_typed_errors
from services.platform.rpc.interceptors.log import log_call
from services.platform.rpc.interceptors.measure import Measure
from services.platform.rpc.interceptors.origin import Origins
from services.platform.rpc.interceptors.request_id import give_request_id
from services.platform.rpc.interceptors.rest import read_rest
from services.platform.rpc.interceptors.validation import Validation
from services.platform.rpc.rules import MethodRule, rules_of
from services.platform.security.credentials import Credentials
from services.platform.security.origin import Network

# Served by grpc's own servicers and public; they have no access rules.
_INFRASTRUCTURE = ("/grpc.health.v1.Health/", "/grpc.reflection.")

_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


def interceptors(credentials: Credentials, proxies: Sequence[Network], calls: Calls) -> tuple[Interceptor, ...]:
    """Return the interceptors, outermost first."""
    return (
        give_request_id,
        Origins(proxies),
        log_call,
        Measure(calls),
        answer_errors,
        decode_request,
        read_rest,
        Authentication(credentials),
        check_access,
        Validation(),
        end_head,
    )


class Chain(grpc.aio.ServerInterceptor):
    """The server interceptor that wraps each method in the chain, once per method.

    Args:
        services: the services; their options contain the access rules.
        links: the interceptors, outermost first.
    """

    def __init__(self, services: Sequence[ServiceDescriptor], links: Sequence[Interceptor]) -> None:
        self._rules = {name: rule for service in services for name, rule in rules_of(service).items()}
        self._requests = {
            f"/{service.full_name}/{method.name}": GetMessageClass(method.input_type)
            for service in services
            for method in service.methods
        }
        self._links = links
        self._wrapped: dict[str, _Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[_Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> _Handler:
        """Return the handler of a method, wrapped in the chain."""
        method = str(handler_call_details.method)
        wrapped = self._wrapped.get(method)
        if wrapped is not None:
            return wrapped
        handler = await continuation(handler_call_details)
        if method.startswith(_INFRASTRUCTURE) and handler is not None:
            return with_typed_errors(handler)
        rule = self._rules.get(method)
        if rule is None or handler is None:
            return grpc.unary_unary_rpc_method_handler(unknown_method)
        self._wrapped[method] = self._wrap(rule, handler)
        return self._wrapped[method]

    def _wrap(self, rule: MethodRule, handler: _Handler) -> _Handler:
        kind = self._requests[rule.method]
        if handler.unary_unary is not None:
            steps = self._compose(partial(_answer, handler.unary_unary))

            async def unary(encoded: bytes, context: Context) -> Message | None:
                call = _call(rule, kind, encoded, context)
                del encoded
                try:
                    await steps(call)
                finally:
                    call.release()
                return call.response

            return grpc.unary_unary_rpc_method_handler(unary, None, handler.response_serializer)
        if handler.unary_stream is None:
            raise TypeError(f"{rule.method} streams requests, which the chain does not support")
        steps = self._compose(partial(_stream, handler.unary_stream))

        async def stream(encoded: bytes, context: Context) -> None:
            call = _call(rule, kind, encoded, context)
            del encoded
            try:
                await steps(call)
            finally:
                call.release()

        return grpc.unary_stream_rpc_method_handler(stream, None, handler.response_serializer)

    def _compose(self, last: CallNext) -> CallNext:
        step = last
        for link in reversed(self._links):
            step = partial(_through, link, step)
        return step


def _through(link: Interceptor, call_next: CallNext, call: Call) -> Awaitable[None]:
    return link(call, call_next)


def _call(rule: MethodRule, kind: type[Message], encoded: bytes, context: Context) -> Call:
    metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
    return Call(rule=rule, encoded=encoded, request_type=kind, context=context, metadata=metadata)


# Typed by grpc like the synchronous methods of its other server.
async def _answer(method: Callable[..., Any], call: Call) -> None:
    call.response = await method(call.request, call.context)


async def _stream(method: Callable[..., Any], call: Call) -> None:
    # aclosing: if the reader disconnects, this task is cancelled, and the servicer's cleanup has to run then.
    async with aclosing(method(call.request, call.context)) as messages:
        async for message in messages:
            await call.context.write(message)
