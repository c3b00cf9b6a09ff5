"""A digest of what a reader was sent of a tenant's services, small enough for a cursor (docs/adr/0021). Pure.

Services fall into 128 buckets by their ids. A bucket holds the exclusive or (XOR) of the fingerprints of its services
that were sent. This value does not depend on their order, and is updated in one step for each service. A reader that
resumes gets the buckets that differ from the present ones, and no others.

A bucket may also be flagged as uncertain; it is then sent again whatever it holds. A cursor flags the buckets of
services that will be sent after it without another cursor: otherwise a service that changes, is sent, and
changes back while the reader is disconnected would look unchanged.
"""

import struct
from collections.abc import Iterable
from uuid import UUID

BUCKETS = 128
_LAYOUT = struct.Struct(f">16s{BUCKETS}I")
DIGEST_BYTES = _LAYOUT.size


def bucket_of(service_id: UUID) -> int:
    """Return the bucket of a service; the end of a UUIDv7 is random."""
    return service_id.int % BUCKETS


class WatchDigest:
    """The digest of what a reader was sent; empty at first.

    Attributes:
        fingerprints: the exclusive or (XOR) of fingerprints, by bucket.
        flags: one bit for each uncertain bucket.
    """

    def __init__(self, fingerprints: Iterable[int] = (0,) * BUCKETS, flags: int = 0) -> None:
        self.fingerprints = list(fingerprints)
        self.flags = flags

    def replace(self, service_id: UUID, before: int | None, after: int | None) -> None:
        """Record that a reader was sent a change of a service.

        Args:
            service_id: the service.
            before: the fingerprint that the reader had of it; None if it had none.
            after: the fingerprint that the reader has now; None if the service was deleted.
        """
        self.fingerprints[bucket_of(service_id)] ^= (before or 0) ^ (after or 0)

    def flag_differences(self, other: "WatchDigest") -> None:
        """Flag the buckets that differ from another digest."""
        for bucket in range(BUCKETS):
            if self.fingerprints[bucket] != other.fingerprints[bucket]:
                self.flags |= 1 << bucket

    def reset_flagged(self) -> None:
        """Reset the flagged buckets to empty."""
        self.fingerprints = [
            0 if self.flags >> bucket & 1 else fingerprint for bucket, fingerprint in enumerate(self.fingerprints)
        ]

    def is_flagged(self, service_id: UUID) -> bool:
        """Return whether a service's bucket is flagged."""
        return bool(self.flags >> bucket_of(service_id) & 1)

    def pack(self, behind: Iterable[UUID] = ()) -> bytes:
        """Return the digest as bytes for a cursor.

        Args:
            behind: the services that will be sent after the cursor without another cursor.
        """
        flags = self.flags
        for service_id in behind:
            flags |= 1 << bucket_of(service_id)
        return _LAYOUT.pack(flags.to_bytes(BUCKETS // 8), *self.fingerprints)

    @classmethod
    def unpack(cls, packed: bytes) -> "WatchDigest":
        """Return the digest in the DIGEST_BYTES of a cursor."""
        flags, *fingerprints = _LAYOUT.unpack(packed)
        return cls(fingerprints, int.from_bytes(flags))
