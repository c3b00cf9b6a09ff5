"""A model of the worker's leases in Python, to which tests compare its SQL.

Pure; time is the model's own.
"""

from dataclasses import dataclass, field, replace
from itertools import islice

from services.checks.grid import SHARDS
from services.worker.lease import fair_share


@dataclass(frozen=True, slots=True)
class Lease:
    """A row of shard_leases.

    Attributes:
        worker_id: the holder of the shard; None if it was released.
        epoch: how often it was taken.
        expire_s: by the database's clock.
    """

    worker_id: str | None = None
    epoch: int = 0
    expire_s: float = float("-inf")


@dataclass(slots=True)
class LeaseTable:
    """What the tables workers and shard_leases hold, and what EngineStore.renew and leave make of them.

    Attributes:
        now_s: the database's clock.
        renewed_s: worker → when it last said that it lives.
        leases: by shard.
    """

    now_s: float = 0.0
    renewed_s: dict[str, float] = field(default_factory=dict)
    leases: list[Lease] = field(default_factory=lambda: [Lease()] * SHARDS)

    def renew(self, worker_id: str, ttl_s: float, *, claim_expired: bool) -> dict[int, int]:
        """Renew as EngineStore.renew does; return shard → epoch."""
        self.renewed_s[worker_id] = self.now_s
        if claim_expired:
            self.renewed_s = {each: at for each, at in self.renewed_s.items() if at >= self.now_s - ttl_s}
        share = fair_share(len(self.renewed_s))
        expire_s = self.now_s + ttl_s
        held = {shard: lease.epoch for shard, lease in enumerate(self.leases) if lease.worker_id == worker_id}
        for shard in sorted(held)[share:]:
            self.leases[shard] = Lease(None, held.pop(shard))
        for shard in islice(self._free(worker_id, claim_expired), max(0, share - len(held))):
            held[shard] = self.leases[shard].epoch + 1
        for shard, epoch in held.items():
            self.leases[shard] = Lease(worker_id, epoch, expire_s)
        return held

    def shorten(self, ttl_s: float) -> None:
        """What was renewed before the clock was stepped back lasts no longer than if it had been renewed now."""
        for worker_id, at in self.renewed_s.items():
            if at > self.now_s + 1:
                self.renewed_s[worker_id] = self.now_s
        for shard, lease in enumerate(self.leases):
            if lease.expire_s > self.now_s + ttl_s + 1:
                self.leases[shard] = replace(lease, expire_s=self.now_s + ttl_s)

    def leave(self, worker_id: str) -> None:
        """Release all shards as EngineStore.leave does."""
        self.renewed_s.pop(worker_id, None)
        for shard, lease in enumerate(self.leases):
            if lease.worker_id == worker_id:
                self.leases[shard] = Lease(None, lease.epoch)

    def free_in_s(self, worker_id: str) -> float | None:
        """Return the seconds until the next lease of another worker ends unless renewed; None if there is none."""
        others = [each.expire_s for each in self.leases if each.worker_id not in {None, worker_id}]
        return min((at - self.now_s for at in others if at > self.now_s), default=None)

    def holder(self, shard: int) -> str | None:
        """Return the present holder of a shard, by the database's clock."""
        lease = self.leases[shard]
        return lease.worker_id if lease.expire_s > self.now_s else None

    def _free(self, worker_id: str, expired: bool) -> list[int]:
        """Return the shards that may be claimed, the longest expired first."""
        free = [
            each
            for each in range(SHARDS)
            if self.holder(each) is None
            and self.leases[each].worker_id != worker_id
            and (expired or self.leases[each].worker_id is None)
        ]
        return sorted(free, key=lambda shard: (self.leases[shard].expire_s, shard))
