"""What is asked of the database: as many statements however much there is, and none that walks over history."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from services.checks.outcome import Outcome
from services.monitor.figures.figures import SeriesWanted
from services.monitor.figures.overview import Overviews
from services.monitor.incidents.incident import IncidentState
from services.monitor.incidents.incidents import IncidentFilter
from services.monitor.model import ServiceState
from services.monitor.results import ResultFilter
from services.monitor.services import ServiceFilter, ServiceOrder
from services.monitor.store import MonitorStore
from services.monitor.store.rollups import RollupSql
from services.platform.clock import DAY_US, HOUR_US, now_us
from tests.integration.monitor.conftest import KEEP, Admin, Monitor, a_monitor
from tests.integration.monitor.plans import asked, asked_of_the_driver, walked_over
from tests.integration.monitor.population import populate

# Tables that grow with time.
HISTORY = r"results(_\d+)?|on_demand_results|check_hours|check_days|incidents|incident_events|maintenance_spans"


@dataclass(frozen=True, slots=True)
class Read:
    """A read path.

    Attributes:
        name: of its RPC, and what is asked of it.
        statements: how many it sends, the one that binds each transaction to the tenant included.
        ask: asks it.
    """

    name: str
    statements: int
    ask: Callable[[], Awaitable[object]]


async def reads(admin: Admin, monitor: Monitor) -> Sequence[Read]:
    """Every way to read of a tenant."""
    tenant, now = monitor.tenant_id, now_us()
    service = await _one(admin, "services", tenant)
    check = await admin.fetchval("SELECT id FROM checks WHERE service_id = $1 LIMIT 1", service)
    incident, window = await _one(admin, "incidents", tenant), await _one(admin, "maintenance_windows", tenant)

    def services(wanted: ServiceFilter, order: ServiceOrder = ServiceOrder()) -> Callable[[], Awaitable[object]]:  # noqa: B008 — it is frozen
        return lambda: monitor.services.list(tenant, wanted, order, 200, "")

    def series(wanted: SeriesWanted) -> Callable[[], Awaitable[object]]:
        return lambda: monitor.figures.series(tenant, service, wanted)

    def incidents(wanted: IncidentFilter) -> Callable[[], Awaitable[object]]:
        return lambda: monitor.incidents.list(tenant, wanted, 50, "")

    def results(wanted: ResultFilter) -> Callable[[], Awaitable[object]]:
        return lambda: monitor.results.list(tenant, service, check, wanted, 50, "")

    overviews = Overviews(monitor.store)
    return [
        Read("GetService", 9, lambda: monitor.services.get(tenant, service)),
        Read("ListServices", 10, services(ServiceFilter())),
        Read("ListServices by name", 10, services(ServiceFilter(), ServiceOrder(by_name=True, descending=True))),
        Read("ListServices by state", 10, services(ServiceFilter(states=(ServiceState.UP, ServiceState.UNKNOWN)))),
        Read("ListServices by label", 10, services(ServiceFilter(labels=(("team", "web"),)))),
        Read("ListServices by text", 10, services(ServiceFilter(text="service"))),
        Read("GetServiceStatus", 8, lambda: monitor.status.of_service(tenant, service)),
        Read("GetServiceUptime, a window", 7, series(SeriesWanted("30d", bucket="1h"))),
        Read("GetServiceUptime, a span", 7, series(SeriesWanted("", now - 30 * HOUR_US - 7, now - 5, "1h"))),
        Read("GetOverview, the first in an hour", 14, lambda: overviews.of_tenant(tenant)),
        Read("GetOverview", 12, lambda: overviews.of_tenant(tenant)),
        Read("GetCheck", 2, lambda: monitor.checks.get(tenant, service, check)),
        Read("ListChecks", 4, lambda: monitor.checks.list(tenant, service, 50, "")),
        Read("ListCheckResults", 5, results(ResultFilter(now - DAY_US, now))),
        Read("ListCheckResults by outcome", 6, results(ResultFilter(outcomes=(Outcome.DOWN,)))),
        Read("ListCheckResults on demand", 5, results(ResultFilter(on_demand=True))),
        Read("ListIncidents", 3, incidents(IncidentFilter())),
        Read("ListIncidents that are open", 3, incidents(IncidentFilter(state=IncidentState.OPEN))),
        Read("ListIncidents of a service", 4, incidents(IncidentFilter(service_id=service))),
        Read("ListIncidents of a day", 3, incidents(IncidentFilter(start_us=now - DAY_US, end_us=now))),
        Read("GetIncident", 3, lambda: monitor.incidents.get(tenant, incident)),
        Read("ListMaintenanceWindows", 3, lambda: monitor.windows.list(tenant, 50, "")),
        Read("GetMaintenanceWindow", 2, lambda: monitor.windows.get(tenant, window)),
    ]


async def _one(admin: Admin, table: str, tenant_id: UUID) -> UUID:
    found: UUID = await admin.fetchval(f"SELECT id FROM {table} WHERE tenant_id = $1 LIMIT 1", tenant_id)
    return found


async def test_each_read_sends_as_many_statements_for_twenty_services_as_for_one(
    admin: Admin, store: MonitorStore
) -> None:
    for services, checks in ((1, 1), (20, 2)):
        monitor = await a_monitor(admin, store)
        await populate(admin, monitor, services, checks)
        for read in await reads(admin, monitor):
            with asked() as statements:
                await read.ask()
            sent = [text for text, _ in statements]
            assert len(sent) == read.statements, (read.name, services, "\n".join(sent))


async def test_no_read_walks_over_history(admin: Admin, store: MonitorStore, rollups: RollupSql) -> None:
    tenants = [await a_monitor(admin, store) for _ in range(4)]
    for monitor in tenants:
        await populate(admin, monitor, services=12, checks=2)
    await admin.execute("ANALYZE")
    monitor = tenants[1]
    walked: list[str] = []
    for read in await reads(admin, monitor):
        with asked() as statements:
            await read.ask()
        for statement in statements:
            walked += [
                f"{read.name}: {walk}"
                for walk in await walked_over(admin, "sentinel_monitor", monitor.tenant_id, statement, HISTORY)
            ]
    with asked() as some, asked_of_the_driver() as others:
        # A few of many, as a step is; of all of them a walk would be the best way.
        assert (await rollups.roll_up(None, now_us(), KEEP, 4)).moved
    statements = [*some, *others]
    for table in ("FROM check_rollups", "FROM results", "INTO check_hours"):
        assert [text for text, _ in statements if table in text], (table, statements)
    for statement in statements:
        walked += await walked_over(admin, "sentinel_rollup", monitor.tenant_id, statement, HISTORY)
    assert walked == [], "\n\n".join(walked)
