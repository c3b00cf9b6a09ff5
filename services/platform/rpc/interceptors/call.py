"""A call with the data that the interceptors set."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from services.platform.rpc.rules import MethodRule
from services.platform.security.origin import Origin
from services.platform.security.principal import Principal

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(slots=True, kw_only=True)
class Call:
    """A call, unary or streaming.

    Attributes:
        rule: the method's path and access rule.
        encoded: the request as received.
        request_type: the type of the request message.
        request: the request message; empty until it is parsed.
        context: grpc's context of the call.
        metadata: the request's metadata; the last value of each key.
        request_id: the id that connects the response with the log.
        origin: the origin of the call; None until the interceptor has set it.
        principal: the caller; None before authentication, and on public methods.
        response: the response of a unary method.
    """

    rule: MethodRule
    context: Context
    metadata: dict[str, str]
    encoded: bytes = b""
    request_type: type[Message] = Empty
    request: Message = field(default_factory=Empty)
    request_id: str = ""
    origin: Origin | None = None
    principal: Principal | None = None
    response: Message | None = None

    def release(self) -> None:
        """Drop the request, once the call has ended.

        grpc.aio keeps the exception of `abort` in its context, and the frames of that refer to this call and so to the
        context: a cycle, which is small without the request.
        """
        self.encoded, self.request = b"", Empty()


CallNext = Callable[[Call], Awaitable[None]]
Interceptor = Callable[[Call, CallNext], Awaitable[None]]
