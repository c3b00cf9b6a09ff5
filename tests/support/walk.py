"""Calls of any method of the contract, natively and as REST, from its descriptor and a table of examples."""

import json
import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import grpc
import httpx
from google.api import annotations_pb2
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from sentinel.options.v1 import access_pb2

from tests.support.patience import PATIENCE_S
from tests.support.stack import ROOT, bearer

GENERATED = ROOT / "gen"

_HTTP = {
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome of a call, the same for both ways.

    Attributes:
        status: the HTTP status that the way in gives or would give.
        reason: the error's; empty on success.
        message: the error's; empty on success.
        request_id: leads to the audit log.
        body: of a successful unary call, as JSON.
    """

    status: int
    reason: str
    message: str
    request_id: str
    body: Any


def methods() -> list[MethodDescriptor]:
    """Return every method of every service of the contract; new ones are included automatically."""
    found: list[MethodDescriptor] = []
    for path in sorted(GENERATED.glob("sentinel/**/*_pb2.py")):
        module = import_module(".".join(path.relative_to(GENERATED).with_suffix("").parts))
        for service in module.DESCRIPTOR.services_by_name.values():
            found += service.methods
    assert found
    return found


def access_of(method: MethodDescriptor) -> access_pb2.Access:
    """Return the access rule of a method."""
    # The generated types know the extension only as a FieldDescriptor.
    access: access_pb2.Access = method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]
    return access


def reads(method: MethodDescriptor) -> bool:
    """Return whether a method changes nothing, by the verb of its name."""
    return method.name.startswith(("Get", "List", "Stream", "Watch"))


def request_of(method: MethodDescriptor, values: dict[str, Any]) -> Message:
    """Return the method's request with these values by field name."""
    return json_format.ParseDict(values, GetMessageClass(method.input_type)())


def call_rest(client: httpx.Client, token: str, method: MethodDescriptor, request: Message) -> Answer:
    """Call through Envoy's transcoder."""
    verb, path, query, body = _as_rest(method, request)
    headers = bearer(token) if token else {}
    with client.stream(verb, path, params=query, json=body, headers=headers) as answer:
        request_id = answer.headers["x-request-id"]
        if answer.status_code == 200:
            text = "" if method.server_streaming else answer.read()
            return Answer(status=200, reason="", message="", request_id=request_id, body=json.loads(text or "null"))
        error = json.loads(answer.read())
    (info,) = [each for each in error["details"] if each["@type"].endswith("google.rpc.ErrorInfo")]
    return Answer(
        status=answer.status_code, reason=info["reason"], message=error["message"], request_id=request_id, body=None
    )


def call_native(channel: grpc.Channel, token: str, method: MethodDescriptor, request: Message) -> Answer:
    """Call a process directly, bypassing Envoy."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = GetMessageClass(method.output_type)
    metadata = tuple(bearer(token).items()) if token else ()
    make: Any = channel.unary_stream if method.server_streaming else channel.unary_unary
    call = make(path, request_serializer=type(request).SerializeToString, response_deserializer=kind.FromString)
    try:
        if method.server_streaming:
            stream = call(request, metadata=metadata, timeout=PATIENCE_S)
            next(stream)
            stream.cancel()
            return Answer(status=200, reason="", message="", request_id="", body=None)
        response, ended = call.with_call(request, metadata=metadata, timeout=PATIENCE_S)
    except grpc.RpcError as refused:
        return _native_error(refused)
    trailers = dict(ended.trailing_metadata())
    return Answer(
        status=200, reason="", message="", request_id=trailers["x-request-id"], body=json_format.MessageToDict(response)
    )


def _native_error(refused: Any) -> Answer:
    trailers = dict(refused.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert [detail for detail in status.details if detail.Unpack(info)]
    code = _HTTP.get(refused.code(), refused.code().value[0])
    return Answer(
        status=code, reason=info.reason, message=status.message, request_id=trailers["x-request-id"], body=None
    )


def _as_rest(method: MethodDescriptor, request: Message) -> tuple[str, str, dict[str, Any], Any]:
    """Return verb, path, query and body of a request by the contract's HTTP rule."""
    http = method.GetOptions().Extensions[annotations_pb2.http]
    verb = str(http.WhichOneof("pattern"))
    values = json_format.MessageToDict(request, preserving_proto_field_name=True)
    path = re.sub(r"\{([^}]*)}", lambda match: _take(values, match[1].split(".")), getattr(http, verb))
    if http.body == "*":
        return verb.upper(), path, {}, values
    body = values.pop(http.body, {}) if http.body else None
    return verb.upper(), path, values, body


def _take(values: dict[str, Any], path: list[str]) -> str:
    """Remove a field that goes into the path."""
    for name in path[:-1]:
        values = values[name]
    return str(values.pop(path[-1]))


def ids_of(method: MethodDescriptor) -> dict[str, tuple[str, ...]]:
    """Return the ids in a request by their kind: {"service_id": ("service_id",), "user_id": ("user", "id")}."""
    http = method.GetOptions().Extensions[annotations_pb2.http]
    path = getattr(http, str(http.WhichOneof("pattern")))
    names = [field.name for field in method.input_type.fields]
    found: dict[str, tuple[str, ...]] = {name: (name,) for name in names if name.endswith("_id")}
    for name, inner in re.findall(r"{(\w+)\.(\w*id)}", path):
        # What it is of is what the message is: a field `window` holds a MaintenanceWindow.
        message = method.input_type.fields_by_name[name].message_type
        assert message is not None
        kind = re.sub(r"(?<!^)(?=[A-Z])", "_", message.name).lower()
        found[f"{kind}_id" if inner == "id" else inner] = (name, inner)
    return found


def put(values: dict[str, Any], path: tuple[str, ...], value: str) -> None:
    """Set a field at a path."""
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value
