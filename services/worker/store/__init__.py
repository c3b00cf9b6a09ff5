"""The SQL of the worker: raw asyncpg, because every probe passes here.

EngineStore works for all tenants, under a role whose grants are limited to its statements. TenantStore serves requests:
its transactions see one tenant. WorkersSql lists all workers for the operator. TailStore reads new results for live
streams. SignalIngestSql records signals of all tenants, and SignalsSql reads them for the engine.
"""

from services.worker.store.cluster import enter_cluster
from services.worker.store.columns import RECORDED
from services.worker.store.engine import EngineStore
from services.worker.store.heartbeats import SignalIngestSql, SignalsSql
from services.worker.store.tail import TailStore
from services.worker.store.tenant import TenantStore
from services.worker.store.workers import WorkersSql

__all__ = [
    "RECORDED",
    "EngineStore",
    "SignalIngestSql",
    "SignalsSql",
    "TailStore",
    "TenantStore",
    "WorkersSql",
    "enter_cluster",
]
