"""The errors that Envoy itself returns, typed like those of the services; see local_reply.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.rpc import code_pb2

from cli.door.contract import allowed_methods

Matcher = Mapping[str, Any]
"""Envoy's config.route.v3.HeaderMatcher, as JSON."""

LARGEST_BODY_BYTES = 1024 * 1024
LARGEST_HEADERS_KIB = 16
MOST_HEADERS = 100
# Envoy's own limits. Above them HTTP/2 clients get no typed error, so they are higher than the limits of the contract.
HARD_HEADERS_KIB = 32
HARD_HEADERS = 500
ACTUAL = "{actual}"
"""The placeholder of the actual value in a message."""
# The status with which replies.lua refuses a call; it is replaced before a client sees it.
NO_MESSAGE = 422
# The prefix of a gRPC message: a flag and a length.
FRAME_BYTES = 5
# A GET, HEAD or DELETE with a body of at least 3 bytes, which may contain a field.
WITH_BODY: Sequence[Matcher] = (
    {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|DELETE"}}},
    {"name": "content-length", "string_match": {"safe_regex": {"regex": "0*(?:[3-9]|[1-9][0-9]+)"}}},
)
_MALFORMED = "REQUEST_MALFORMED"
_TOO_LARGE = "REQUEST_TOO_LARGE"
_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An error that Envoy itself returns.

    Attributes:
        http_status: Envoy's HTTP status, which REST clients receive, too.
        code: the google.rpc.Code.
        reason: the ErrorReason of the contract, without its prefix.
        message: the message for the caller; empty for Envoy's own text.
        metadata: the metadata of the ErrorInfo, such as limits.
        actual: Envoy's format string for the value that is over the limit, for the message and the metadata; empty if
            Envoy has no such value.
        retry_s: after how many seconds to retry; 0 if a retry is useless.
        matchers: conditions on the headers of the request, in addition to the status.
        condition: a CEL expression that has to be true, in addition to the status; empty for none.
        flag: a response flag that has to be set, in addition to the status; empty for none.
        rest_status: the HTTP status for REST clients; 0 for Envoy's own.
        allow: the methods that the route accepts, for REST clients.
    """

    http_status: int
    code: code_pb2.Code
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    actual: str = ""
    retry_s: float = 0
    matchers: Sequence[Matcher] = ()
    condition: str = ""
    flag: str = ""
    rest_status: int = 0
    allow: str = ""


# Each value in a path or a query is a string of the contract: UTF-8, percent-encoded.
_TAIL = "%[89ABab][0-9A-Fa-f]"
_UTF_8 = (
    "[!-$&-~]",
    "%[0-7][0-9A-Fa-f]",
    f"%(?:[Cc][2-9A-Fa-f]|[Dd][0-9A-Fa-f]){_TAIL}",
    f"%[Ee]0%[ABab][0-9A-Fa-f]{_TAIL}",
    f"%[Ee][1-9A-Ca-cEeFf]{_TAIL}{_TAIL}",
    f"%[Ee][Dd]%[89][0-9A-Fa-f]{_TAIL}",
    f"%[Ff]0%[9ABab][0-9A-Fa-f]{_TAIL}{_TAIL}",
    f"%[Ff][1-3]{_TAIL}{_TAIL}{_TAIL}",
    f"%[Ff]4%8[0-9A-Fa-f]{_TAIL}{_TAIL}",
)

GUARDS = (
    Reply(
        http_status=400,
        code=code_pb2.INVALID_ARGUMENT,
        reason=_MALFORMED,
        message="The header grpc-timeout must have one to eight digits and a unit: H, M, S, m, u or n.",
        metadata={"header": "grpc-timeout"},
        matchers=(
            {"name": "grpc-timeout", "present_match": True},
            {
                "name": "grpc-timeout",
                "string_match": {"safe_regex": {"regex": "[0-9]{1,8}[HMSmun]"}},
                "invert_match": True,
            },
        ),
    ),
    Reply(
        http_status=400,
        code=code_pb2.INVALID_ARGUMENT,
        reason=_MALFORMED,
        message="The path must not contain an encoded slash or backslash (%2F, %5C).",
        matchers=({"name": ":path", "string_match": {"safe_regex": {"regex": "[^?]*%(?:2[Ff]|5[Cc]).*"}}},),
    ),
    Reply(
        http_status=400,
        code=code_pb2.INVALID_ARGUMENT,
        reason=_MALFORMED,
        message="The path and the query must be percent-encoded UTF-8.",
        matchers=(
            {
                "name": ":path",
                "string_match": {"safe_regex": {"regex": f"(?:{'|'.join(_UTF_8)})*"}},
                "invert_match": True,
            },
        ),
    ),
)
"""The requests that are refused before all other routes, by their headers."""

# Envoy refuses this path before routing, with no text of its own.
_NUL = Reply(
    http_status=400,
    code=code_pb2.INVALID_ARGUMENT,
    reason=_MALFORMED,
    message="The path must not contain the character U+0000 (%00).",
    matchers=({"name": ":path", "string_match": {"safe_regex": {"regex": "[^?]*%00.*"}}},),
)

# Envoy refuses this path, too, before routing.
_FRAGMENT = Reply(
    http_status=400,
    code=code_pb2.INVALID_ARGUMENT,
    reason=_MALFORMED,
    message="The path must not contain a fragment (#). Send a # in a value as %23.",
    matchers=({"name": ":path", "string_match": {"contains": "#"}},),
)

# An error of the HTTP parser, so there are no headers.
_NOT_HTTP = Reply(
    http_status=400,
    code=code_pb2.INVALID_ARGUMENT,
    reason=_MALFORMED,
    message="The request is not valid HTTP. Send the request line and the headers as defined in RFC 9112.",
    matchers=({"name": ":method", "present_match": True, "invert_match": True},),
)

_BY_STATUS = (
    Reply(
        http_status=400,
        code=code_pb2.INVALID_ARGUMENT,
        reason=_MALFORMED,
        message="",  # the transcoder's own text names the error
    ),
    Reply(http_status=404, code=code_pb2.NOT_FOUND, reason="ROUTE_UNKNOWN", message="Route not found."),
    Reply(
        http_status=408,
        code=code_pb2.DEADLINE_EXCEEDED,
        reason=_UNAVAILABLE,
        message="The request was not received in time. Try again.",
    ),
    Reply(
        http_status=413,
        code=code_pb2.RESOURCE_EXHAUSTED,
        reason=_TOO_LARGE,
        message=f"The request is too large: {ACTUAL} bytes, limit {LARGEST_BODY_BYTES}. Send less in one request.",
        metadata={"limit": str(LARGEST_BODY_BYTES), "unit": "bytes"},
        actual="%REQ(CONTENT-LENGTH):20%",
        matchers=(
            {"name": "content-length", "range_match": {"start": str(LARGEST_BODY_BYTES + 1), "end": str(2**63 - 1)}},
        ),
    ),
    # For requests without content-length, and for JSON whose transcoded message is too large.
    Reply(
        http_status=413,
        code=code_pb2.RESOURCE_EXHAUSTED,
        reason=_TOO_LARGE,
        message=f"The request is too large: over {LARGEST_BODY_BYTES} bytes, as sent or transcoded. Send less.",
        metadata={"limit": str(LARGEST_BODY_BYTES), "unit": "bytes"},
    ),
    Reply(
        http_status=415,
        code=code_pb2.INVALID_ARGUMENT,
        reason=_MALFORMED,
        message="Unsupported content type. Send application/json.",
    ),
    Reply(
        http_status=NO_MESSAGE,
        code=code_pb2.INVALID_ARGUMENT,
        reason=_MALFORMED,
        message="The call must contain a complete message: flag (0, or 1 with grpc-encoding), length and bytes.",
        rest_status=400,
    ),
    Reply(
        http_status=403,  # the rbac filter's
        code=code_pb2.RESOURCE_EXHAUSTED,
        reason=_TOO_LARGE,
        message=f"The request headers are too large: {ACTUAL} bytes, limit {LARGEST_HEADERS_KIB * 1024}. Send fewer.",
        metadata={"limit": str(LARGEST_HEADERS_KIB * 1024), "unit": "bytes"},
        actual="%CEL(request.total_size)%",
        condition=f"request.total_size > {LARGEST_HEADERS_KIB * 1024}",
        rest_status=431,
    ),
    Reply(
        http_status=403,
        code=code_pb2.RESOURCE_EXHAUSTED,
        reason=_TOO_LARGE,
        message=f"The request has too many headers: {ACTUAL} headers, limit {MOST_HEADERS}. Send fewer.",
        metadata={"limit": str(MOST_HEADERS), "unit": "headers"},
        actual="%CEL(size(request.headers))%",
        condition=f"size(request.headers) > {MOST_HEADERS}",
        rest_status=431,
    ),
    Reply(
        http_status=403,
        code=code_pb2.INVALID_ARGUMENT,
        reason=_MALFORMED,
        message="GET, HEAD and DELETE take no body. Send its fields as query parameters.",
        matchers=WITH_BODY,
        rest_status=400,
    ),
    *(
        Reply(
            http_status=http_status,
            code=code_pb2.RESOURCE_EXHAUSTED,
            reason=_TOO_LARGE,
            message=f"The request headers are too large: limit {LARGEST_HEADERS_KIB} KiB, {MOST_HEADERS} headers.",
            metadata={"limit": str(LARGEST_HEADERS_KIB * 1024), "unit": "bytes"},
            rest_status=431,
        )
        for http_status in (403, 431)  # the rbac filter's, and that of the HTTP parser
    ),
    Reply(
        http_status=502,
        code=code_pb2.UNAVAILABLE,
        reason=_UNAVAILABLE,
        message="The connection to the service was lost before the response was complete. Try again.",
    ),
    Reply(
        http_status=503,
        code=code_pb2.UNAVAILABLE,
        reason=_UNAVAILABLE,
        message="Service temporarily unavailable. Try again.",
    ),
    Reply(
        http_status=504,
        code=code_pb2.UNAVAILABLE,
        reason=_UNAVAILABLE,
        message="The service did not respond in time. Try again.",
        flag="UT",  # the route's timeout
    ),
    Reply(
        http_status=504,
        code=code_pb2.DEADLINE_EXCEEDED,
        reason="DEADLINE_EXCEEDED",
        message="The deadline of the call (grpc-timeout) expired before the response.",
    ),
)
OTHERS = {
    least: next(reply for reply in _BY_STATUS if reply.http_status == http_status)
    for least, http_status in ((400, 400), (500, 503))
}


def replies(limited: Sequence[Reply]) -> tuple[Reply, ...]:
    """Return all replies; those with more conditions come first.

    Args:
        limited: the replies of rate limits.
    """
    return (*GUARDS, _NUL, _FRAGMENT, _NOT_HTTP, *limited, *_wrong_methods(), *_BY_STATUS)


def _wrong_methods() -> list[Reply]:
    """Return the replies to a known path with a wrong method, for which the transcoder returns 404."""
    return [
        Reply(
            http_status=404,
            code=code_pb2.UNIMPLEMENTED,
            reason="METHOD_UNKNOWN",
            message=f"Method not allowed. The route supports {allow}.",
            metadata={"allow": allow},
            matchers=({"name": ":path", "string_match": {"safe_regex": {"regex": rf"{paths}(?:\?.*)?"}}},),
            rest_status=405,
            allow=allow,
        )
        for allow, paths in allowed_methods().items()
    ]
