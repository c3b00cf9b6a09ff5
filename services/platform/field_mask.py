"""Partial updates (AIP-134, AIP-161): merge the masked fields of a message into another one."""

from collections.abc import Collection, Iterator

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from services.platform.errors import InvalidArgument
from services.platform.rest.named_fields import named_fields

_EVERYTHING = "*"


def update(current: Message, wished: Message, mask: FieldMask, changeable: Collection[str]) -> None:
    """Copy the fields that the mask names from `wished` to `current`; without a mask those that the call's JSON names.

    A named field that is absent is cleared. A path names a changeable field or one inside it. Without mask and JSON (a
    gRPC call), all fields that are present are named, down to the innermost.

    Args:
        current: the message to change.
        wished: a message of the same type.
        mask: the paths; "*" for all changeable fields.
        changeable: the names of the changeable fields.

    Raises:
        InvalidArgument: the mask names an unknown or read-only field.
    """
    if not mask.paths:
        named = named_fields()
        for path in _present(wished) if named is None else named:
            # Read-only fields may be present: an update can be a message that was read, with one field changed.
            if path.partition(".")[0] in changeable:
                _take(current, wished, path)
        return
    for path in sorted(changeable) if _EVERYTHING in mask.paths else mask.paths:
        if path.partition(".")[0] not in changeable or not _exists(current, path):
            wanted = ", ".join(sorted(changeable))
            raise InvalidArgument.field(
                "update_mask",
                f"unknown or read-only path {path[:100]!r}; updatable fields: {wanted} (and their subfields)",
            )
        _take(current, wished, path)


def _present(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        inner = None if field.is_repeated else field.message_type
        if inner is not None and inner.file.package != "google.protobuf":
            yield from (f"{field.name}.{path}" for path in _present(value))
        else:
            yield field.name


def _exists(message: Message, path: str) -> bool:
    name, dot, inside = path.partition(".")
    field = message.DESCRIPTOR.fields_by_name.get(name)
    if field is None or not dot:
        return field is not None
    return field.message_type is not None and not field.is_repeated and _exists(getattr(message, name), inside)


def _take(current: Message, wished: Message, path: str) -> None:
    *outer, last = path.split(".")
    for name in outer:
        is_there = wished.HasField(name)
        current, wished = getattr(current, name), getattr(wished, name)
        if is_there:
            current.SetInParent()
    if not last:  # an empty object in JSON names no inner field
        return
    current.ClearField(last)
    if last not in {field.name for field, _ in wished.ListFields()}:
        return
    field, value = wished.DESCRIPTOR.fields_by_name[last], getattr(wished, last)
    if field.message_type is None and not field.is_repeated:
        setattr(current, last, value)
        return
    into = getattr(current, last)
    into.MergeFrom(value)
    if not field.is_repeated:
        into.SetInParent()
