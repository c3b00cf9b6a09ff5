"""Make Envoy return its own errors in the form of the contract, for REST, gRPC and gRPC-Web.

For REST, local_reply_config formats them as JSON. For gRPC and gRPC-Web it adds a marker header, which a Lua filter
replaces by the status and its details, because only Lua can put the request id into a binary header.
"""

from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from cli.door.replies import ACTUAL, FRAME_BYTES, NO_MESSAGE, OTHERS, Reply

_LUA = Path(__file__).resolve().parent.parent.parent / "envoy" / "replies.lua"
_DOMAIN = "sentinel-stack"
_RPC = "type.googleapis.com/google.rpc"
_MARKER = "x-sentinel-reply"
_ACTUAL_MARKER = "x-sentinel-actual"
_CEL = "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"
# A request that Envoy could not parse has no request id.
_REQUEST_ID = '%COALESCE({"operators": [{"command": "REQ", "param": "x-request-id"}, "UNIQUE_ID"]})%'


# The body check returns complete errors.
_BODY_REFUSED: dict[str, Any] = {
    "filter": {
        "and_filter": {
            "filters": [
                {
                    "status_code_filter": {
                        "comparison": {"op": "EQ", "value": {"default_value": 400, "runtime_key": "none"}}
                    }
                },
                {"response_flag_filter": {"flags": ["UAEX"]}},
            ]
        }
    },
    "body_format_override": {
        "text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"},
        "content_type": "application/json",
    },
    "headers_to_add": [
        {
            "header": {"key": "x-request-id", "value": _REQUEST_ID},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }
    ],
}


def mappers(all_replies: Sequence[Reply]) -> list[dict[str, Any]]:
    """Return Envoy's local_reply_config.mappers; Envoy uses the first that matches."""
    found: list[dict[str, Any]] = [_BODY_REFUSED]
    for number, reply in enumerate(all_replies):
        conditions = _conditions(reply, "EQ", reply.http_status)
        found += [_for_grpc(number, reply, conditions), _for_rest(reply, conditions)]
    for least, reply in sorted(OTHERS.items(), reverse=True):
        conditions = _conditions(reply, "GE", least)
        found += [_for_grpc(all_replies.index(reply), reply, conditions), _for_rest(reply, conditions)]
    return found


def _conditions(reply: Reply, compare: str, http_status: int) -> list[dict[str, Any]]:
    status = {"op": compare, "value": {"default_value": http_status, "runtime_key": "none"}}
    return [
        {"status_code_filter": {"comparison": status}},
        *({"response_flag_filter": {"flags": [flag]}} for flag in [reply.flag] if flag),
        *({"header_filter": {"header": matcher}} for matcher in reply.matchers),
        *(
            {
                "extension_filter": {
                    "name": "envoy.access_loggers.extension_filters.cel",
                    "typed_config": {"@type": _CEL, "expression": expression},
                }
            }
            for expression in [reply.condition]
            if expression
        ),
    ]


def _for_grpc(number: int, reply: Reply, conditions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the mapper that marks a reply to gRPC or gRPC-Web; a transcoded REST call differs by one header only."""
    grpc = {"name": "content-type", "string_match": {"prefix": "application/grpc"}}
    transcoded = {"name": "x-envoy-original-path", "present_match": True, "invert_match": True}
    is_grpc = [{"header_filter": {"header": header}} for header in (grpc, transcoded)]
    return {
        "filter": {"and_filter": {"filters": [*conditions, *is_grpc]}},
        "body": {"inline_string": ""},
        "headers_to_add": [
            _header(_MARKER, str(number)),
            *(_header(_ACTUAL_MARKER, actual) for actual in [reply.actual] if actual),
            _header("x-request-id", _REQUEST_ID),
        ],
    }


def _for_rest(reply: Reply, conditions: list[dict[str, Any]]) -> dict[str, Any]:
    metadata = {**reply.metadata, **({"actual": reply.actual} if reply.actual else {})}
    details: list[dict[str, Any]] = [
        {"@type": f"{_RPC}.ErrorInfo", "reason": reply.reason, "domain": _DOMAIN, "metadata": metadata},
        {"@type": f"{_RPC}.RequestInfo", "requestId": "%RESP(X-REQUEST-ID)%"},
    ]
    headers = [_header("x-request-id", _REQUEST_ID)]
    if reply.allow:
        headers.append(_header("allow", reply.allow))
    if reply.retry_s:
        details.append({"@type": f"{_RPC}.RetryInfo", "retryDelay": f"{reply.retry_s:.3f}s"})
        headers.append(_header("retry-after", str(max(1, round(reply.retry_s)))))
    message = reply.message.replace("%", "%%").replace(ACTUAL, reply.actual) or "%LOCAL_REPLY_BODY%"
    return {
        "filter": {"and_filter": {"filters": conditions}} if len(conditions) > 1 else conditions[0],
        **({"status_code": reply.rest_status} if reply.rest_status else {}),
        "body_format_override": {"json_format": {"code": reply.code, "message": message, "details": details}},
        "headers_to_add": headers,
    }


def _header(name: str, value: str) -> dict[str, Any]:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}


def lua(all_replies: Sequence[Reply]) -> str:
    """Return the Lua filter that converts a marked reply to a gRPC status."""
    return Template(_LUA.read_text()).substitute(
        replies="\n".join(f"  {_lua_reply(reply)}," for reply in all_replies),
        marker=_MARKER,
        actual_marker=_ACTUAL_MARKER,
        actual=ACTUAL,
        error_info=_lua_string(f"{_RPC}.ErrorInfo".encode()),
        request_info=_lua_string(f"{_RPC}.RequestInfo".encode()),
        no_message=NO_MESSAGE,
        frame_bytes=FRAME_BYTES,
    )


def _lua_reply(reply: Reply) -> str:
    fields = {
        "code": str(reply.code).encode(),
        "message": (reply.message or "The request does not match the method.").encode(),
        "info": error_details_pb2.ErrorInfo(
            reason=reply.reason, domain=_DOMAIN, metadata=reply.metadata
        ).SerializeToString(),
        "retry_info": b"",
    }
    if reply.retry_s:
        fields["retry_after"] = str(max(1, round(reply.retry_s))).encode()
        fields["retry_info"] = _retry_info(reply.retry_s)
    return "{{{}}}".format(", ".join(f"{name} = {_lua_string(value)}" for name, value in fields.items()))


def _retry_info(retry_s: float) -> bytes:
    """Return a google.rpc.Status with only a RetryInfo; protobuf merges concatenated messages."""
    delay = Duration()
    delay.FromMilliseconds(round(retry_s * 1000))
    wrapper = AnyMessage()
    wrapper.Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    encoded: bytes = status_pb2.Status(details=[wrapper]).SerializeToString()
    return encoded


def _lua_string(value: bytes) -> str:
    return '"' + "".join(f"\\{byte:03d}" for byte in value) + '"'
