"""The gRPC health checking protocol: encode the call, and check its response. Pure."""

from google.protobuf.message import DecodeError
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2

from services.checks.outcome import ErrorKind
from services.wire.http2 import Answer, Headers, request
from services.wire.probe_failure import ProbeFailure

_CHECK = "/grpc.health.v1.Health/Check"
_HTTP_OK = b"200"
_CONTENT_TYPE = b"application/grpc"
# The prefix of a message: a compression flag of one byte, and a length of four bytes.
_PREFIX = 5
_MOST_DIGITS = 5
_LONGEST_WORD = 60
_SAYS = {
    health_pb2.HealthCheckResponse.NOT_SERVING: "server reports NOT_SERVING",
    health_pb2.HealthCheckResponse.SERVICE_UNKNOWN: "server does not know the service (SERVICE_UNKNOWN)",
    health_pb2.HealthCheckResponse.UNKNOWN: "server reports UNKNOWN",
}
_FAILURES = {
    code_pb2.NOT_FOUND: "server does not know the service (NOT_FOUND)",
    code_pb2.UNIMPLEMENTED: "server does not implement the health service (UNIMPLEMENTED)",
}


def call(service: str, authority: str, *, secure: bool) -> bytes:
    """Return the bytes of a health check call.

    The call has no grpc-timeout: when the run times out the connection is closed, which cancels the call at the server.

    Args:
        service: the name of the service; empty for the whole server.
        authority: the host, with the port unless it is the default of the scheme.
        secure: whether the connection uses TLS.
    """
    message = health_pb2.HealthCheckRequest(service=service).SerializeToString()
    headers = [
        (":method", "POST"),
        (":scheme", "https" if secure else "http"),
        (":path", _CHECK),
        (":authority", authority),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "SentinelStack"),
    ]
    return request(headers, b"\0" + len(message).to_bytes(_PREFIX - 1, "big") + message)


def status_code(answer: Answer) -> int:
    """Return the gRPC status code of a complete response.

    Raises:
        ProbeFailure: STATUS if the HTTP status is not 200, PROTOCOL if it is not a gRPC response.
    """
    status = _value(answer.headers, b":status")
    if status != _HTTP_OK:
        raise ProbeFailure(ErrorKind.STATUS, f"HTTP status {_word(status)}, expected 200")
    content_type = _value(answer.headers, b"content-type")
    if not content_type.startswith(_CONTENT_TYPE):
        raise ProbeFailure(ErrorKind.PROTOCOL, f"response is not gRPC: content type {_word(content_type)}")
    # A response without a body may have the status in its headers (Trailers-Only).
    digits = _value(answer.trailers or answer.headers, b"grpc-status")
    if not digits.isdigit() or len(digits) > _MOST_DIGITS:
        raise ProbeFailure(ErrorKind.PROTOCOL, "response has no gRPC status")
    code = int(digits)
    # An undefined code counts as UNKNOWN (gRPC over HTTP/2, "Status").
    return code if code in code_pb2.Code.values() else code_pb2.UNKNOWN


def refuse_unless_serving(code: int, body: bytes) -> None:
    """Raise ProbeFailure unless the response is SERVING.

    Args:
        code: the gRPC status code of the response.
        body: its body.

    Raises:
        ProbeFailure: STATUS if the gRPC or health status is another one, PROTOCOL if the body is not a single valid
            HealthCheckResponse.
    """
    if code != code_pb2.OK:
        raise ProbeFailure(ErrorKind.STATUS, _FAILURES.get(code) or f"gRPC status {code_pb2.Code.Name(code)}")
    if body[:1] == b"\1":
        raise ProbeFailure(ErrorKind.PROTOCOL, "response is compressed, which was not requested")
    if len(body) < _PREFIX or len(body) != _PREFIX + int.from_bytes(body[1:_PREFIX], "big"):
        raise ProbeFailure(ErrorKind.PROTOCOL, "response is not a single message")
    try:
        said = health_pb2.HealthCheckResponse.FromString(body[_PREFIX:]).status
    except DecodeError as error:
        raise ProbeFailure(ErrorKind.PROTOCOL, "response is not a HealthCheckResponse") from error
    if said != health_pb2.HealthCheckResponse.SERVING:
        raise ProbeFailure(ErrorKind.STATUS, _SAYS.get(said, "server reports an unknown health status"))


def _value(headers: Headers, name: bytes) -> bytes:
    return next((bytes(value) for each, value in headers if each == name), b"")


def _word(value: bytes) -> str:
    """Return a header's value for an error message: printable, and limited in length."""
    text = value.decode("ascii", "replace")
    return "".join(each if each.isprintable() else "?" for each in text)[:_LONGEST_WORD] or "missing"
