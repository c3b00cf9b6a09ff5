"""The requests of a method that are most expensive to refuse, built from its descriptor as bytes."""

from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from sentinel.monitor.v1.check_pb2 import Check, HttpCheck

# Above what is looked at in full, and just below it.
SIZES = (1 << 20, 63 * 1024)
_CHECK = Check(name="a", http=HttpCheck(url="https://a.test")).SerializeToString()
_ID = b"01890000-0000-7000-8000-000000000000"
_UNKNOWN = b"\xc0\x3e\x01"
_DEEP = 40
_BROKEN_TEXT = b"\n /@:\0"
_TEXT = {FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES}
_FIXED = {FieldDescriptor.TYPE_DOUBLE: 8, FieldDescriptor.TYPE_FLOAT: 4}


def worst_messages(method: MethodDescriptor) -> Iterator[tuple[str, bytes]]:
    """Each field on its own as large as a request may be, and all of them broken at once; with a name for each.

    The other fields break no rule where that is easily done, so that the one is looked at.
    """
    right = _right(method.input_type)
    for size in SIZES:
        for path, message in _filled(method.input_type, size - len(right), frozenset()):
            yield f"{path} of {size}", right + message
        yield f"unknown fields of {size}", right + _times(_UNKNOWN, size - len(right))
    broken = _broken(method.input_type, frozenset()) or _UNKNOWN
    yield "everything broken", broken
    yield "everything broken, again and again", _times(broken, SIZES[0])


def _right(kind: Descriptor) -> bytes:
    """Return ids and a check that violate no rule; parsing merges later bytes into them."""
    right = b""
    for field in kind.fields:
        if field.name == "check":
            right += _entry(field, _CHECK)
        elif field.type in _TEXT and field.name.endswith("id"):
            right += _entry(field, _ID)
    return right


def _filled(kind: Descriptor, size: int, inside: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Yield messages of a type, each with one field, nested ones included, as large as possible."""
    for field in kind.fields:
        room = size - 32
        inner = field.message_type
        if inner is None:
            yield from _filled_scalar(field, room)
            continue
        if field.is_repeated:
            yield f"empty {field.name}[]", _times(_entry(field, b""), room)
            yield f"broken {field.name}[]", _times(_entry(field, _broken(inner, inside)), room)
        if inner.full_name not in inside:
            for path, message in _filled(inner, room, inside | {inner.full_name}):
                yield f"{field.name}.{path}", _entry(field, message)
        else:
            message = b""
            for _ in range(_DEEP):
                message = _entry(field, message)
            yield f"deep {field.name}", message


def _filled_scalar(field: FieldDescriptor, room: int) -> Iterator[tuple[str, bytes]]:
    if not field.is_repeated:
        if field.type in _TEXT:
            for text in ("a", "é"):
                yield f"{field.name} of {text}", _entry(field, text.encode() * (room // len(text.encode())))
    elif field.type in _TEXT:
        for text in ("", "a b"):
            yield f"{field.name}[] of {text!r}", _times(_entry(field, text.encode()), room)
    else:
        yield f"{field.name}[]", _times(_scalar(field, b""), room)
        yield f"packed {field.name}", _entry(field, b"\x01" * room)


def _broken(kind: Descriptor, inside: frozenset[str]) -> bytes:
    """Return a message of a type with an invalid value in each field."""
    parts = []
    for field in kind.fields:
        inner = field.message_type
        if inner is None:
            parts.append(_scalar(field, _BROKEN_TEXT))
        elif inner.full_name not in inside:
            parts.append(_entry(field, _broken(inner, inside | {inner.full_name})))
    return b"".join(parts)


def _scalar(field: FieldDescriptor, text: bytes) -> bytes:
    if field.type in _TEXT:
        return _entry(field, text)
    if field.type in _FIXED:
        width = _FIXED[field.type]
        return _number(field.number << 3 | (1 if width == 8 else 5)) + b"\xff" * width
    # -1 as an int32 or int64; a value that no enum has.
    return _number(field.number << 3) + b"\xff" * 9 + b"\x01"


def _entry(field: FieldDescriptor, content: bytes) -> bytes:
    return _number(field.number << 3 | 2) + _number(len(content)) + content


def _times(item: bytes, size: int) -> bytes:
    return item * (size // len(item))


def _number(value: int) -> bytes:
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])
