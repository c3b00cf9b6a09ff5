"""Limits of a request before it is parsed: its size, and its number of fields on the wire.

A megabyte of empty messages, two bytes each, takes thirty times its size when parsed, and as long as thirty megabytes
of text. So the fields of a large request are counted first, and only up to the limit.
"""

from typing import cast

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from services.platform.errors import RequestMalformed, RequestTooLarge, TooManyFields

MOST_BYTES = 1 << 20
# Twice as many as the largest valid request has.
MOST_FIELDS = 5_000
# A smaller request cannot have enough fields to matter.
_COUNTED_FROM_BYTES = 64 * 1024
_VARINT, _FIXED_64, _LENGTH, _FIXED_32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_MORE = 0x80


def refuse_too_large(encoded: bytes, kind: type[Message]) -> None:
    """Refuse a request that is too expensive to parse.

    Args:
        encoded: the request as received.
        kind: the type of the message.

    Raises:
        RequestTooLarge: it has too many bytes or fields.
        RequestMalformed: it is not a valid message; only detected in large requests.
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
    """Return the number at a position, and the position after it."""
    value = 0
    for index, byte in enumerate(encoded[at : at + _LONGEST_VARINT]):
        value |= (byte & ~_MORE) << (7 * index)
        if not byte & _MORE:
            return value, at + index + 1
    raise RequestMalformed
