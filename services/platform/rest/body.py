"""Inspection of the body of a REST request: the fields that it names, or the error."""

from collections.abc import Mapping

from services.platform.errors import FieldViolation
from services.platform.rest.faults import field_path, malformed_error, violations_error
from services.platform.rest.json_fields import inspect
from services.platform.rest.json_text import Json, Pairs, parse
from services.platform.rest.query import validate_query
from services.platform.rest.routes import WHOLE, Match, Routes

_IDENTITY = {"", "identity"}
_NO_OBJECT: Json = Pairs()


class BodyInspector:
    """An inspector of the bodies of REST requests.

    Args:
        routes: the routes of the contract.
    """

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    def inspect(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> str | None:
        """Return the inspection header for the service; None if it is not a REST request.

        Args:
            method: the HTTP method.
            path: the path and the query.
            headers: content-type and content-encoding, if the request has them.
            body: the body; empty if there is none.

        Returns:
            The RPC, a space, and for an update the fields that the body names, separated by commas (see
            json_fields.Inspected.named): "/sentinel.monitor.v1.MonitorService/UpdateCheck name,http.url".

        Raises:
            InvalidArgument: REQUEST_MALFORMED.
            TooManyFields: REQUEST_TOO_LARGE.
        """
        if _is_grpc(headers.get("content-type", "")):
            return None
        found = self._routes.match(method, path)
        if found is None:  # the transcoder rejects it
            return None
        route = found.route
        if not route.body:  # the body of a heartbeat signal is ignored
            return f"{route.rpc} "
        validate_query(found, path.partition("?")[2])
        encoding = headers.get("content-encoding", "").strip().lower()
        if body and encoding not in _IDENTITY:
            raise malformed_error(
                "Request bodies with a content-encoding are not supported. Send the body uncompressed."
            )
        value: Json = parse(body) if body else _NO_OBJECT
        at = "" if route.body == WHOLE else route.body
        seen = inspect(value, route.message, at)
        violations = seen.violations or _conflicts(found, value, at)
        if violations:
            raise violations_error(violations)
        return f"{route.rpc} {','.join(seen.named) if route.takes_mask else ''}"


def _is_grpc(content_type: str) -> bool:
    """Return whether the transcoder treats a request as a gRPC call; any other one counts as REST."""
    return content_type == "application/grpc" or content_type.startswith("application/grpc+")


def _conflicts(found: Match, value: Json, at: str) -> list[FieldViolation]:
    """Return the fields of a body that the path sets to another value."""
    pairs: Pairs = value if isinstance(value, Pairs) else Pairs()
    sent = dict(pairs)
    violations = []
    for variable, bound in found.values.items():
        name = variable.removeprefix(f"{at}.") if at else variable
        violations += [
            FieldViolation(field_path(at, spelling), "differs from the value in the path; omit it")
            for spelling in {name, _camel(name)} & set(sent)
            if isinstance(sent[spelling], str) and sent[spelling] != bound
        ]
    return violations


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
