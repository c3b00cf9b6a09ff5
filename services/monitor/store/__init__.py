"""All SQL of monitor, a file for each thing that is stored.

The tenant, or the actor who belongs to one, is the first argument of whatever is tenant-owned, and is set for the
policies too. Whatever changes something writes its entry into the audit log in the same transaction.
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
    """Everything that monitor keeps in PostgreSQL."""
