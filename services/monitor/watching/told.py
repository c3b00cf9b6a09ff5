"""What a reader has been told of a tenant's services, small enough to be a cursor (docs/adr/0021). Pure.

Services fall into 128 buckets by their ids. A bucket holds the exclusive or of the marks of what was told of its
services: the same whatever the order in which they were told, and moved on by one step for each service told. A reader
that resumes is told the buckets again that differ from what there is, and no others.

A bucket may also be flagged: what the reader knows of it is not certain, so it is told again whatever it holds. So is,
in each cursor, whatever will be told behind it without another one; else a service that changes, is told, and changes
back while the reader is away would look as if nothing had happened.
"""

import struct
from collections.abc import Iterable
from uuid import UUID

BUCKETS = 128
_LAYOUT = struct.Struct(f">16s{BUCKETS}I")
TOLD_BYTES = _LAYOUT.size


def bucket_of(service_id: UUID) -> int:
    """The bucket of a service; the end of a UUIDv7 is random."""
    return service_id.int % BUCKETS


class Told:
    """What a reader has been told; nothing at first.

    Attributes:
        marks: by bucket.
        flags: a bit for each bucket that is not certain.
    """

    def __init__(self, marks: Iterable[int] = (0,) * BUCKETS, flags: int = 0) -> None:
        self.marks = list(marks)
        self.flags = flags

    def move(self, service_id: UUID, before: int | None, after: int | None) -> None:
        """Take note that a reader was told of a service.

        Args:
            service_id: which.
            before: the mark of what it was told of it before; None if that it is not there.
            after: the mark of what it is told now; None if that it is not there.
        """
        self.marks[bucket_of(service_id)] ^= (before or 0) ^ (after or 0)

    def flag_where_unlike(self, other: "Told") -> None:
        """Flag the buckets that are not as another's."""
        for bucket in range(BUCKETS):
            if self.marks[bucket] != other.marks[bucket]:
                self.flags |= 1 << bucket

    def clear_flagged(self) -> None:
        """Count from nothing where it is not certain what was told."""
        self.marks = [0 if self.flags >> bucket & 1 else mark for bucket, mark in enumerate(self.marks)]

    def is_flagged(self, service_id: UUID) -> bool:
        """Whether a service's bucket is not certain."""
        return bool(self.flags >> bucket_of(service_id) & 1)

    def pack(self, behind: Iterable[UUID] = ()) -> bytes:
        """As a cursor carries it.

        Args:
            behind: services that will be told behind the cursor, without another one.
        """
        flags = self.flags
        for service_id in behind:
            flags |= 1 << bucket_of(service_id)
        return _LAYOUT.pack(flags.to_bytes(BUCKETS // 8), *self.marks)

    @classmethod
    def unpack(cls, packed: bytes) -> "Told":
        """From a cursor; it has TOLD_BYTES."""
        flags, *marks = _LAYOUT.unpack(packed)
        return cls(marks, int.from_bytes(flags))
