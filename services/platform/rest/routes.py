"""REST routes, read from the descriptors of services and matched like in Envoy's transcoder."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor

WHOLE = "*"
"""The body of a route whose body is the whole request."""
_VARIABLE = re.compile(r"\{([^}=]+)\}")
_MASK = "update_mask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One REST route of an RPC.

    Attributes:
        rpc: the gRPC path of the RPC: "/sentinel.auth.v1.AuthService/Login".
        method: the HTTP method.
        request: the type of the request message.
        body: the field that is the body; "*" for the whole request; empty if the route takes no body.
        segments: the segments of the path; None for a variable.
        variables: the fields that the path sets, in order: ("check.service_id", "check.id").
        verb: the part after the colon; empty if there is none.
    """

    rpc: str
    method: str
    request: Descriptor
    body: str
    segments: tuple[str | None, ...]
    variables: tuple[str, ...]
    verb: str

    @property
    def message(self) -> Descriptor:
        """The type of the body; that of the request if the route takes no body."""
        field = self.request.fields_by_name.get(self.body)
        return self.request if field is None or field.message_type is None else field.message_type

    @property
    def takes_mask(self) -> bool:
        """Whether the request has an update mask."""
        return _MASK in self.request.fields_by_name


@dataclass(frozen=True, slots=True)
class Match:
    """A matched route, with the values of its path variables.

    Attributes:
        route: the route.
        values: the values by field path.
    """

    route: Route
    values: Mapping[str, str] = field(default_factory=dict)


class Routes:
    """The REST routes of some services.

    Args:
        services: the services.
    """

    def __init__(self, services: Sequence[ServiceDescriptor]) -> None:
        self.all = tuple(
            route for service in services for method in service.methods for route in _routes(service, method)
        )
        self._found: dict[tuple[str, str, int], list[Route]] = {}
        for each in self.all:
            self._found.setdefault((each.method, each.verb, len(each.segments)), []).append(each)
        for found in self._found.values():  # a literal segment takes precedence over a variable
            found.sort(key=lambda route: [segment is None for segment in route.segments])
        self._verbs = {each.verb for each in self.all} - {""}

    def match(self, method: str, path: str) -> Match | None:
        """Return the route of a request; None if no route matches.

        Args:
            method: the HTTP method; HEAD is matched as GET.
            path: the path, percent-encoded, with or without a query.
        """
        path = path.partition("?")[0]
        verb = ""
        before, colon, behind = path.rpartition(":")
        if colon and "/" not in behind and behind in self._verbs:
            path, verb = before, behind
        parts = [unquote(part) for part in path.rstrip("/").split("/")[1:]]
        for route in self._found.get(("GET" if method == "HEAD" else method, verb, len(parts)), ()):
            values = [part for part, segment in zip(parts, route.segments, strict=True) if segment is None]
            if all(segment in {None, part} for part, segment in zip(parts, route.segments, strict=True)):
                return Match(route, dict(zip(route.variables, values, strict=True)))
        return None


def _routes(service: ServiceDescriptor, method: MethodDescriptor) -> Iterator[Route]:
    rule: http_pb2.HttpRule = method.GetOptions().Extensions[annotations_pb2.http]
    for each in (rule, *rule.additional_bindings):
        kind = each.WhichOneof("pattern")
        if kind is None:
            continue
        template, _, verb = str(getattr(each, kind)).partition(":")
        segments = tuple(None if _VARIABLE.fullmatch(part) else part for part in template.split("/")[1:])
        yield Route(
            rpc=f"/{service.full_name}/{method.name}",
            method=kind.upper(),
            request=method.input_type,
            body=each.body,
            segments=segments,
            variables=tuple(_VARIABLE.findall(template)),
            verb=verb,
        )
