"""Errors that Envoy returns by itself, each typed as those of the services are; see local_reply.py."""

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
# Envoy reads so many before it refuses them; beyond it there is no typed answer for HTTP/2.
HARD_HEADERS_KIB = 32
HARD_HEADERS = 500
ACTUAL = "{actual}"
"""In a message, the place of the actual value."""
# The status by which replies.lua refuses a call; no client sees it.
NO_MESSAGE = 422
# Before a message of gRPC stand a flag and its length.
FRAME_BYTES = 5
# A GET, HEAD or DELETE with a body that has room for a field.
WITH_BODY: Sequence[Matcher] = (
    {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD|DELETE"}}},
    {"name": "content-length", "string_match": {"safe_regex": {"regex": "0*(?:[3-9]|[1-9][0-9]+)"}}},
)
_MALFORMED = "REQUEST_MALFORMED"
_TOO_LARGE = "REQUEST_TOO_LARGE"
_UNAVAILABLE = "TEMPORARILY_UNAVAILABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An error of Envoy's own.

    Attributes:
        http_status: the HTTP status of Envoy, which REST clients get too.
        code: the google.rpc.Code.
        reason: the ErrorReason of the contract, without its prefix.
        message: a sentence for the caller; empty for the sentence of Envoy.
        metadata: of the ErrorInfo: limits.
        actual: Envoy's format string for the value that is over the limit, for the message and the metadata; empty if
            Envoy does not know it.
        retry_s: seconds until a further attempt makes sense; 0 if none does.
        matchers: what the request's headers have to be, beside the status.
        condition: a CEL expression that has to be true, beside the status; empty if none.
        flag: the response flag that has to be set, beside the status; empty if none.
        rest_status: the HTTP status for REST clients, if it is not that of Envoy.
        allow: the methods that the route takes, for REST clients.
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
"""Requests that are refused before any other route, by their headers."""

# Envoy refuses it before it looks for a route, and does not say why.
_NUL = Reply(
    http_status=400,
    code=code_pb2.INVALID_ARGUMENT,
    reason=_MALFORMED,
    message="The path must not contain the character U+0000 (%00).",
    matchers=({"name": ":path", "string_match": {"safe_regex": {"regex": "[^?]*%00.*"}}},),
)

# Likewise.
_FRAGMENT = Reply(
    http_status=400,
    code=code_pb2.INVALID_ARGUMENT,
    reason=_MALFORMED,
    message="The path must not contain a fragment (#). Send a # in a value as %23.",
    matchers=({"name": ":path", "string_match": {"contains": "#"}},),
)

# The HTTP parser's, which read no headers.
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
        message="",  # what the transcoder found wrong helps the caller
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
    # Without a content-length, or as JSON that is longer as a message of gRPC.
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
    """Return all replies, those with more conditions first.

    Args:
        limited: those of rate limits.
    """
    return (*GUARDS, _NUL, _FRAGMENT, _NOT_HTTP, *limited, *_wrong_methods(), *_BY_STATUS)


def _wrong_methods() -> list[Reply]:
    """Return what the transcoder's 404 means for the paths that take other methods."""
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
