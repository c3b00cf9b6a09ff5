"""The contract as tests walk it."""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tests.support.walk import methods


def fields_of_requests() -> list[FieldDescriptor]:
    """Every field that a request can have, in a message inside it as well; each once."""
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
