"""The operations of EngineStore in memory, for simulated workers."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from uuid import UUID

from services.worker.check_progress import count_results
from services.worker.clock import Reading, monotonic_us
from services.worker.lease import SHARDS_FREE, Renewal
from services.worker.record import Admit, Pending
from services.worker.report import WorkerReport
from services.worker.roster import Held, Key
from tests.support.simulation.database import Database, Row
from tests.support.simulation.line import Line


class Memory:
    """The database for one worker.

    Args:
        database: the database of all workers.
        line: the connection to it.
    """

    def __init__(self, database: Database, line: Line) -> None:
        self._database = database
        self._line = line

    async def renew(
        self, worker_id: str, ttl_s: float, _report: WorkerReport, *, claim_expired: bool, ahead_us: int | None = None
    ) -> Renewal:
        async with self._line.asked():
            table, reading = self._database.table, self._reading()
            claim_expired = claim_expired and not reading.steps_forward(ahead_us)
            before = [lease.worker_id for lease in table.leases]
            if claim_expired:
                table.shorten(ttl_s)
            free_in_s = table.free_in_s(worker_id)
            epochs = table.renew(worker_id, ttl_s, claim_expired=claim_expired)
            now_s = self._database.now_s
            self._database.taken |= {shard: (worker_id, now_s) for shard in epochs if before[shard] != worker_id}
            if any(holder == worker_id and shard not in epochs for shard, holder in enumerate(before)):
                self._database.tell(SHARDS_FREE, worker_id)
            return Renewal(epochs=epochs, reading=reading, free_in_s=free_in_s)

    async def leave(self, worker_id: str) -> None:
        async with self._line.asked():
            self._database.table.leave(worker_id)
            self._database.tell(SHARDS_FREE, worker_id)

    async def checks_of_shards(self, shards: Collection[int]) -> AsyncIterator[Sequence[Held]]:
        async with self._line.asked() as trip_s:
            found = self._held(each for each in self._database.rows.values() if each.shard in shards)
        for held in found:
            yield [held]
            # The rest comes later, and is as old.
            await self._line.answer(trip_s)

    async def checks_by_key(self, keys: Collection[Key]) -> Sequence[Held]:
        async with self._line.asked():
            return self._held(each for each in self._database.rows.values() if each.key in keys)

    async def checks_of_tenants(self, tenants: Collection[UUID], shards: Collection[int]) -> Sequence[Key]:
        async with self._line.asked():
            rows = self._database.rows.values()
            return [each.key for each in rows if each.check.tenant_id in tenants and each.shard in shards]

    async def changed_since(self, since_us: int, shards: Collection[int]) -> Sequence[tuple[Key, int]]:
        async with self._line.asked():
            changed = ((each.key, each.check.update_us, each.shard) for each in self._database.rows.values())
            return [(key, update_us) for key, update_us, shard in changed if update_us >= since_us and shard in shards]

    async def counts(self, shards: Collection[int]) -> Mapping[int, int]:
        async with self._line.asked():
            on = [each.shard for each in self._database.rows.values() if self._database.is_on(each)]
            return {shard: on.count(shard) for shard in on if shard in shards}

    async def restart_grid(self, shards: Collection[int]) -> Reading:
        async with self._line.asked():
            self._database.restart_grid(shards)
            return self._reading()

    async def record(self, batch: Sequence[Pending], admit: Admit | None = None) -> int:
        async with self._line.asked():
            database = self._database
            if admit is not None:
                batch = admit(self._reading())
            rows = {each.result.check_id: database.rows.get(each.result.check_id) for each in batch}
            leases = database.table.leases
            tallies = {
                check_id: row.tally(leases[row.shard].epoch, database.maintenance_of(row))
                for check_id, row in rows.items()
                if row is not None
            }
            counted = count_results(batch, tallies)
            for pending in counted:
                database.record(pending.result)
            for check_id, tally in tallies.items():
                database.rows[check_id].move(tally)
            return len(counted)

    def _reading(self) -> Reading:
        asked_us = monotonic_us()  # the clock is asked in a statement of its own, which is quick here
        return Reading(self._database.now_us, asked_us, asked_us)

    def _held(self, rows: Iterable[Row]) -> list[Held]:
        database = self._database
        return [(each.scheduled(), database.account(each)) for each in rows if database.is_on(each)]
