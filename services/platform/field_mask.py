"""Partial updates (AIP-134, AIP-161): what a mask takes from a wished message into the one that is there."""

from collections.abc import Collection, Iterator

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from services.platform.errors import InvalidArgument
from services.platform.rest.named_fields import named_fields

_EVERYTHING = "*"


def update(current: Message, wished: Message, mask: FieldMask, changeable: Collection[str]) -> None:
    """Take into `current` what the mask names of `wished`; without a mask what the call's JSON names.

    A field that is named and absent becomes absent. A path names a changeable field or one inside it. Without a mask
    and without JSON (a call by gRPC), every scalar, list and map that is there is named, down to the innermost.

    Args:
        current: is changed.
        wished: of the same kind.
        mask: the paths; "*" for all that can be changed.
        changeable: the fields of the message that can be changed.

    Raises:
        InvalidArgument: the mask names something else.
    """
    if not mask.paths:
        named = named_fields()
        for path in _present(wished) if named is None else named:
            # What the server sets may be there: an update can be what a client has read, with one field changed.
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
    if not last:  # an empty object in JSON names nothing inside
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
