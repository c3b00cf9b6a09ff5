"""What a request may be before it is parsed: its size, and how many fields it has on the wire.

A megabyte of empty messages, two bytes each, takes thirty times its size once it is parsed, and as long as thirty
megabytes of text. So a large request's fields are counted first, and no further than the limit.
"""

from typing import cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from services.platform.errors import RequestMalformed, RequestTooLarge, TooManyFields

MOST_BYTES = 1 << 20
# The largest request that breaks no rule has half as many.
MOST_FIELDS = 5_000
# What is smaller cannot have enough of them to matter.
_COUNTED_FROM_BYTES = 64 * 1024
_VARINT, _FIXED_64, _LENGTH, _FIXED_32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_MORE = 0x80


def refuse_too_large(encoded: bytes, kind: type[Message]) -> None:
    """Refuse a request that costs too much to parse.

    Args:
        encoded: the request as it came.
        kind: the message that it should be.

    Raises:
        RequestTooLarge: it has more bytes or more fields than a request may have.
        RequestMalformed: it is not a message of this kind; only found in large ones.
    """
    if len(encoded) > MOST_BYTES:
        raise RequestTooLarge("bytes", MOST_BYTES, str(len(encoded)))
    if len(encoded) > _COUNTED_FROM_BYTES and _more_fields_than(
        MOST_FIELDS, encoded, cast("Descriptor", kind.DESCRIPTOR)
    ):
        raise TooManyFields("fields", MOST_FIELDS, f"more than {MOST_FIELDS}")


def _more_fields_than(most: int, encoded: bytes, kind: Descriptor) -> bool:
    count = 0
    messages = [(0, len(encoded), kind)]
    while messages:
        at, end, kind = messages.pop()
        fields = kind.fields_by_number
        while at < end:
            count += 1
            if count > most:
                return True
            tag, at = _varint(encoded, at)
            wire_type = tag & 7
            if wire_type == _VARINT:
                _, at = _varint(encoded, at)
            elif wire_type == _LENGTH:
                length, at = _varint(encoded, at)
                field = fields.get(tag >> 3)
                if field is not None and field.message_type is not None:
                    messages.append((at, at + length, field.message_type))
                at += length
            elif wire_type == _FIXED_64:
                at += 8
            elif wire_type == _FIXED_32:
                at += 4
            else:
                raise RequestMalformed
            if at > end:
                raise RequestMalformed
    return False


def _varint(encoded: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    value = 0
    for index, byte in enumerate(encoded[at : at + _LONGEST_VARINT]):
        value |= (byte & ~_MORE) << (7 * index)
        if not byte & _MORE:
            return value, at + index + 1
    raise RequestMalformed
