"""The SQL of monitor, one file for each kind of object.

The tenant, or an actor of it, is the first argument of each tenant-owned statement, and is set for row-level security
too. Each change writes its audit entry in the same transaction.
"""

from services.monitor.store.checks import CheckSql
from services.monitor.store.figures import FiguresSql
from services.monitor.store.history import HistorySql
from services.monitor.store.incidents import IncidentSql
from services.monitor.store.maintenance import MaintenanceSql
from services.monitor.store.overview import OverviewSql
from services.monitor.store.results import ResultSql
from services.monitor.store.secrets import SecretSql
from services.monitor.store.services import ServiceSql
from services.monitor.store.status import StatusSql


class MonitorStore(
    ServiceSql,
    CheckSql,
    SecretSql,
    HistorySql,
    StatusSql,
    FiguresSql,
    OverviewSql,
    IncidentSql,
    ResultSql,
    MaintenanceSql,
):
    """The database of monitor."""
