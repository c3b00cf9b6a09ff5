"""semantics.md §5, §6: the SQL of leases does what its model says, step by step, by the database's clock alone."""

import asyncio
from typing import Any

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.common.database import create_pool
from services.common.grid import SHARDS
from services.worker.lease import TTL_S, fair_share
from services.worker.store import EngineStore
from tests.database import TestServer
from tests.leases import Lease, LeaseTable
from tests.rows import a_report

WORKERS = st.sampled_from(["a", "b", "c", "d"])
# In sight before the built-in one, this now() shows what the test has set.
_CLOCK = """
    CREATE SCHEMA clock;
    CREATE TABLE clock.hand (at timestamptz NOT NULL);
    INSERT INTO clock.hand (at) VALUES ('2026-01-01');
    CREATE FUNCTION clock.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM clock.hand';
    GRANT USAGE ON SCHEMA clock TO sentinel_engine;
    GRANT SELECT ON clock.hand TO sentinel_engine;
"""
_TABLE = """
    SELECT worker_id, epoch, extract(epoch FROM expire_time - '2026-01-01')::float8 AS expire_s
    FROM shard_leases ORDER BY shard
"""


class Lockstep(RuleBasedStateMachine):
    """The same steps on both."""

    server: TestServer

    def __init__(self) -> None:
        super().__init__()
        self.model = LeaseTable()
        self.runner = asyncio.Runner()

    @initialize()
    def connect(self) -> None:
        self.runner.run(self._connect())

    async def _connect(self) -> None:
        url = await self.server.clone()
        admin = await asyncpg.connect(url)
        await admin.execute(_CLOCK)
        name = await admin.fetchval("SELECT current_database()")
        await admin.execute(f"ALTER DATABASE {name} SET search_path = clock, pg_catalog, public")
        self.admin = admin
        self.pool = await create_pool(url, "sentinel_engine", 2, times_in_us=True)
        self.store = EngineStore(self.pool)

    @rule(seconds=st.sampled_from([0.5, 3.0, 9.0, TTL_S, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.model.now_s += seconds
        self.runner.run(self.admin.execute("UPDATE clock.hand SET at = at + make_interval(secs => $1)", seconds))

    @rule(worker=WORKERS, claim=st.sampled_from([True, True, False]))
    def renew(self, worker: str, claim: bool) -> None:
        free_in_s = self.model.free_in_s(worker)
        renewal = self.runner.run(self.store.renew(worker, TTL_S, a_report(), claim=claim))
        held = self.model.renew(worker, TTL_S, claim=claim)
        assert (renewal.epochs, renewal.free_in_s) == (held, free_in_s)

    @rule(worker=WORKERS)
    def leave(self, worker: str) -> None:
        self.runner.run(self.store.leave(worker))
        self.model.leave(worker)

    @rule(workers=st.lists(WORKERS, min_size=1, unique=True))
    def all_renew_until_it_is_fair(self, workers: list[str]) -> None:
        """As long as nobody else is left, a few rounds are enough."""
        for _ in range(5):
            self.time_passes(3.0)
            for worker in workers:
                self.renew(worker, claim=True)
        held = [self.model.holder(shard) for shard in range(SHARDS)]
        assert set(held) == set(workers)
        assert all(held.count(worker) <= fair_share(len(workers)) for worker in workers)

    @invariant()
    def the_tables_are_as_the_model_says(self) -> None:
        rows: list[Any] = self.runner.run(self.admin.fetch(_TABLE))
        assert [Lease(row["worker_id"], row["epoch"], row["expire_s"]) for row in rows] == self.model.leases
        live = self.runner.run(self.admin.fetch("SELECT id FROM workers"))
        assert {row["id"] for row in live} == set(self.model.renewed_s)

    def teardown(self) -> None:
        self.runner.run(self._close())
        self.runner.close()

    async def _close(self) -> None:
        await self.pool.close()
        await self.admin.close()


def test_the_sql_of_leases_does_what_the_model_says(postgres: TestServer) -> None:
    Lockstep.server = postgres
    few = settings(max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    run_state_machine_as_test(Lockstep, settings=few)
