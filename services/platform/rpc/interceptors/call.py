"""One call on its way in: what the interceptors learn of it and pass on."""

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
        rule: the method's name and who may call it.
        encoded: the request as it came.
        request_type: the message that it should be.
        request: the one request message; empty until it is parsed.
        context: grpc's side of the call.
        metadata: the request's metadata; the last value of each key.
        request_id: what leads from an answer to the log.
        origin: where the call came from; None until that is found out.
        principal: who is calling; None until authentication, and on public methods.
        response: what a unary method answered.
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
        """Let go of the request, once the call has ended.

        grpc.aio keeps what `abort` raises in its side of the call, and the frames of that hold this call and so grpc's
        side: a cycle, which without its request is small.
        """
        self.encoded, self.request = b"", Empty()


Step = Callable[[Call], Awaitable[None]]
Interceptor = Callable[[Call, Step], Awaitable[None]]
