"""Iteration over the contract."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tests.support.walk import methods

OUTPUT_ONLY = {
    "sentinel.monitor.v1.Check": {
        "id",
        "service_id",
        "state",
        "state_time",
        "create_time",
        "update_time",
        "enabled",
        "etag",
    },
    "sentinel.monitor.v1.MaintenanceWindow": {"id", "create_time", "update_time", "etag"},
    "sentinel.monitor.v1.Service": {"id", "state", "create_time", "update_time", "etag", "uptime", "open_incidents"},
}
"""The fields of resources that the server sets; every other one can be written."""


def fields_of_requests() -> list[FieldDescriptor]:
    """Return every field of all requests, nested ones included, each once."""
    seen: set[str] = set()
    return [field for method in methods() for field in _fields(method.input_type, seen)]


def _fields(kind: Descriptor, seen: set[str]) -> Iterator[FieldDescriptor]:
    if kind.full_name in seen:
        return
    seen.add(kind.full_name)
    for field in kind.fields:
        yield field
        if field.message_type is not None:
            yield from _fields(field.message_type, seen)


def writable_leaves(kind: Descriptor, path: tuple[FieldDescriptor, ...] = ()) -> Iterator[tuple[FieldDescriptor, ...]]:
    """Yield the path to every writable field of a resource, down to the innermost."""
    for field in kind.fields:
        inner = field.message_type
        if field.name in OUTPUT_ONLY.get(kind.full_name, ()):
            continue
        if inner is not None and not field.is_repeated and inner.file.package != "google.protobuf":
            yield from writable_leaves(inner, (*path, field))
        else:
            yield (*path, field)


def at(message: Any, path: tuple[str, ...]) -> Any:
    """Return the value at a path of JSON; None if there is none."""
    for name in path:
        message = message.get(name) if isinstance(message, dict) else None
    return message
