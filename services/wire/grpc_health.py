"""gRPC's health protocol: the call as bytes, and what its answer says. Pure."""

from google.protobuf.message import DecodeError
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2

from services.checks.outcome import ErrorKind
from services.wire.http2 import Answer, Headers, request
from services.wire.probe_failure import ProbeFailure

_CHECK = "/grpc.health.v1.Health/Check"
_HTTP_OK = b"200"
_CONTENT_TYPE = b"application/grpc"
# A message stands behind one byte that says whether it is compressed, and four of its length.
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
    """What asks whether a service is served.

    It bears no timeout: when ours is over the connection is closed, which ends the call at the server too.

    Args:
        service: its name; the server as a whole when empty.
        authority: the host, and the port unless it is the scheme's own.
        secure: whether the connection is under TLS.
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
    """The gRPC status of an answer that is complete.

    Raises:
        ProbeFailure: STATUS when it is HTTP's that fails, PROTOCOL when it is no answer of gRPC's.
    """
    status = _value(answer.headers, b":status")
    if status != _HTTP_OK:
        raise ProbeFailure(ErrorKind.STATUS, f"HTTP status {_word(status)}, expected 200")
    content_type = _value(answer.headers, b"content-type")
    if not content_type.startswith(_CONTENT_TYPE):
        raise ProbeFailure(ErrorKind.PROTOCOL, f"response is not gRPC: content type {_word(content_type)}")
    # An answer without a body may have it among its headers.
    digits = _value(answer.trailers or answer.headers, b"grpc-status")
    if not digits.isdigit() or len(digits) > _MOST_DIGITS:
        raise ProbeFailure(ErrorKind.PROTOCOL, "response has no gRPC status")
    code = int(digits)
    # What is no code counts as this one (gRPC over HTTP/2, "Status").
    return code if code in code_pb2.Code.values() else code_pb2.UNKNOWN


def refuse_unless_serving(code: int, body: bytes) -> None:
    """Refuse every answer but SERVING.

    Args:
        code: the answer's gRPC status.
        body: what came with it.

    Raises:
        ProbeFailure: STATUS when the server says something else, PROTOCOL when it is no answer to the question.
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
    """A header's value for people: printable, and short."""
    text = value.decode("ascii", "replace")
    return "".join(each if each.isprintable() else "?" for each in text)[:_LONGEST_WORD] or "missing"
