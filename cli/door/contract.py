"""Read REST routes out of the contract's descriptor, and complete the descriptor for Envoy."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2

_DESCRIPTOR = Path(__file__).resolve().parent.parent.parent / "gen" / "sentinel.binpb"
_VARIABLE = re.compile(r"\{[^}]*\}")
# An id contains no colon, because a colon begins the verb of a path.
_SEGMENT = "[^/:]+"


@dataclass(frozen=True, slots=True)
class Rpc:
    """An RPC of the contract.

    Attributes:
        service: the full name of its service.
        name: the name of the RPC.
        streams: whether it returns a stream.
        bindings: its REST routes, as pairs of HTTP method and path template.
    """

    service: str
    name: str
    streams: bool
    bindings: tuple[tuple[str, str], ...]

    @property
    def path(self) -> str:
        """The path of a gRPC call, also of a REST call after transcoding."""
        return f"/{self.service}/{self.name}"


def descriptor() -> descriptor_pb2.FileDescriptorSet:
    """Return the descriptor that Envoy loads, in which each GET route also accepts HEAD."""
    files = descriptor_pb2.FileDescriptorSet.FromString(_DESCRIPTOR.read_bytes())
    for _, method in _methods(files):
        rule = method.options.Extensions[annotations_pb2.http]
        for _, template in [binding for binding in _bindings(rule) if binding[0] == "GET"]:
            head = http_pb2.CustomHttpPattern(kind="HEAD", path=template)
            rule.additional_bindings.append(http_pb2.HttpRule(custom=head))
    return files


@cache
def rpcs() -> tuple[Rpc, ...]:
    """Return all RPCs, with the routes of the descriptor that Envoy loads."""
    return tuple(
        Rpc(
            service,
            method.name,
            method.server_streaming,
            tuple(_bindings(method.options.Extensions[annotations_pb2.http])),
        )
        for service, method in _methods(descriptor())
    )


def allowed_methods() -> dict[str, str]:
    """Return a regular expression for the paths of each set of HTTP methods, the set as `Allow` lists it."""
    methods: dict[str, set[str]] = {}
    for rpc in rpcs():
        for method, template in rpc.bindings:
            methods.setdefault(path_regex(template), set()).add(method)
    paths: dict[str, list[str]] = {}
    for path, allowed in methods.items():
        paths.setdefault(", ".join(sorted(allowed)), []).append(path)
    return {allow: f"(?:{'|'.join(sorted(each))})" for allow, each in sorted(paths.items())}


def paths_of(services: Collection[str]) -> str:
    """Return a regular expression for the paths of all REST routes of some services, as the transcoder matches them."""
    return _either(template for rpc in rpcs() if rpc.service in services for _, template in rpc.bindings)


def paths_of_rpc(path: str) -> str:
    """Return the same regular expression for the routes of one RPC.

    Args:
        path: the path of the gRPC call.
    """
    return _either(template for rpc in rpcs() if rpc.path == path for _, template in rpc.bindings)


def _either(templates: Iterable[str]) -> str:
    # The transcoder takes slashes at the end of a path.
    return f"(?:{'|'.join(sorted({path_regex(each) for each in templates}))})/*"


def path_regex(template: str, segment: str = _SEGMENT) -> str:
    """Return a regular expression for the paths of a template: "/users/{user_id}" → "/users/[^/:]+"."""
    return segment.join(re.escape(part) for part in _VARIABLE.split(template))


def _methods(
    files: descriptor_pb2.FileDescriptorSet,
) -> Iterator[tuple[str, descriptor_pb2.MethodDescriptorProto]]:
    for file in files.file:
        for service in file.service:
            for method in service.method:
                yield f"{file.package}.{service.name}", method


def _bindings(rule: http_pb2.HttpRule) -> Iterator[tuple[str, str]]:
    for each in _rules(rule):
        kind = each.WhichOneof("pattern")
        if kind == "custom":
            yield each.custom.kind, each.custom.path
        elif kind is not None:
            yield kind.upper(), getattr(each, kind)


def _rules(rule: http_pb2.HttpRule) -> Iterator[http_pb2.HttpRule]:
    yield rule
    for each in rule.additional_bindings:
        yield from _rules(each)
