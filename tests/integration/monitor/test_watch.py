"""WatchServices: what services are, each change within a second, resumable, with an honest end."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import pytest

from services.checks import service_changes
from services.checks.outcome import Outcome
from services.monitor.drafts import ServiceDraft
from services.monitor.incidents.incidents import IncidentFilter
from services.monitor.maintenance.window import WindowDraft
from services.monitor.model import Service, ServiceState
from services.monitor.services import ServiceFilter, ServiceOrder
from services.monitor.store import MonitorStore, snapshots
from services.monitor.watching import tenant_snapshot_cache as boards
from services.monitor.watching.watch import KeepAlive, StreamEnd
from services.platform.clock import MINUTE_US, SECOND_US, now_us, to_datetime
from services.platform.errors import ResourceExhausted, Unavailable
from services.platform.rpc import stream_reader
from services.platform.rpc.stream_guard import POLL_S, EndReason
from services.platform.rpc.stream_metrics import StreamMetrics
from services.platform.rpc.stream_reader import OpenStreams
from services.platform.security.revocations import Revocation, Revoked
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.integration.monitor.plans import plan_of
from tests.integration.monitor.recording import Worker
from tests.integration.monitor.watching import Client, Process, a_process, a_viewer
from tests.support.patience import PATIENCE_S

UP, DOWN = Outcome.UP, Outcome.DOWN
INTERVAL = 5 * SECOND_US


@pytest.fixture
async def process(database_url: str) -> AsyncIterator[Process]:
    async with a_process(database_url) as process:
        yield process


def state_of(client: Client, service_id: UUID) -> str:
    """The name of the state in which a client sees a service; empty when it sees none."""
    shown = client.sees.get(service_id)
    return shown.state.name if shown else ""


async def test_it_begins_with_each_service_as_it_is_listed(monitor: Monitor, worker: Worker, process: Process) -> None:
    shop, mail, _ = [await monitor.service(name) for name in ("Shop", "Mail", "Empty")]
    await worker.record(await monitor.check(shop), [DOWN, DOWN])
    await worker.record(await monitor.check(mail), [UP])
    listed = await monitor.services.list(monitor.tenant_id, ServiceFilter(), ServiceOrder(), 0, "")
    async with process.client(monitor.tenant_id) as client:
        shown = [(each.service, each.state, each.open_incidents) for each in client.sees.values()]
    assert shown == [(each.service, each.state, each.open_incidents) for each in listed.items]
    for service_id, each in client.sees.items():
        status = await monitor.status.of_service(monitor.tenant_id, service_id)
        assert (each.state, each.reason) == (status.state, status.reason)
        assert each.state_us == (status.checks[0].state_us if status.checks else None)


async def test_each_change_is_told_soon_whatever_it_is(monitor: Monitor, worker: Worker, process: Process) -> None:
    async with process.client(monitor.tenant_id) as client:
        shop = await monitor.service()
        await client.until(lambda: state_of(client, shop) == "PAUSED")
        draft = ServiceDraft("Till", "", "", {"team": "web"})
        await monitor.services.update(monitor.actor, shop, "", lambda _: draft)
        await client.until(lambda: client.sees[shop].service.name == "Till")
        assert client.sees[shop].service.labels == {"team": "web"}

        check = await monitor.check(shop, interval_us=INTERVAL)
        await client.until(lambda: state_of(client, shop) == "UNKNOWN")
        await worker.record(check, [UP])
        await client.until(lambda: state_of(client, shop) == "UP")
        first = await worker.record(check, [DOWN, DOWN])
        await client.until(lambda: state_of(client, shop) == "DOWN")
        shown = client.sees[shop]
        assert (shown.state_us, shown.open_incidents) == (first, 1)
        assert shown.reason == "1 of 1 check is down: home"

        (incident,) = (await monitor.incidents.list(monitor.tenant_id, IncidentFilter(), 0, "")).items
        await monitor.incidents.resolve(monitor.actor, incident.id, "")
        await client.until(lambda: client.sees[shop].open_incidents == 0)
        await worker.record(check, [UP])
        await client.until(lambda: state_of(client, shop) == "UP")

        await monitor.checks.pause(monitor.actor, shop, check)
        await client.until(lambda: state_of(client, shop) == "PAUSED")
        await monitor.checks.resume(monitor.actor, shop, check)
        await client.until(lambda: state_of(client, shop) == "UNKNOWN")

        window = await monitor.windows.create(
            monitor.actor, WindowDraft(name="Patch", service_id=shop, start_us=None, duration_us=MINUTE_US), None
        )
        await client.until(lambda: state_of(client, shop) == "MAINTENANCE")
        assert client.sees[shop].state_us == window.start_us
        other = await monitor.service()
        elsewhere = WindowDraft(name="Patch", service_id=other, start_us=window.start_us, duration_us=MINUTE_US)
        await monitor.windows.update(monitor.actor, window.id, "", lambda _: elsewhere)
        await client.until(lambda: state_of(client, shop) == "UNKNOWN")
        await monitor.windows.delete(monitor.actor, window.id)
        await monitor.services.delete(monitor.actor, other)

        await monitor.checks.delete(monitor.actor, shop, check)
        await client.until(lambda: state_of(client, shop) == "PAUSED")
        await monitor.services.delete(monitor.actor, shop)
        await client.until(lambda: client.sees == {})


async def test_what_nobody_looks_at_becomes_unknown_by_itself_and_a_result_brings_it_back(
    monitor: Monitor, worker: Worker, process: Process, admin: Admin
) -> None:
    shop = await monitor.service()
    check = await monitor.check(shop, interval_us=INTERVAL)
    await worker.record(check, [UP])
    async with process.client(monitor.tenant_id) as client:
        assert state_of(client, shop) == "UP"
        process.ahead_us = 2 * INTERVAL - SECOND_US
        await process.boards.on_connect()  # or else it would look again by its poll only
        await client.until(lambda: state_of(client, shop) == "UNKNOWN")
        process.ahead_us = 0

        # As if it had become so long ago: the result moves no state, but it is known again.
        verdict = to_datetime(now_us() - 3 * INTERVAL)
        await admin.execute("UPDATE check_states SET verdict_time = $1", verdict)
        await worker.record(check, [UP])
        await client.until(lambda: state_of(client, shop) == "UP")


async def test_a_window_begins_and_ends_for_who_watches(monitor: Monitor, process: Process) -> None:
    shop = await monitor.service()
    await monitor.check(shop)
    start_us = now_us() + 40 * SECOND_US
    await monitor.windows.create(
        monitor.actor, WindowDraft(name="Patch", service_id=None, start_us=start_us, duration_us=MINUTE_US), None
    )
    async with process.client(monitor.tenant_id) as client:
        assert state_of(client, shop) == "UNKNOWN"
        for state, ahead_us in (("MAINTENANCE", 39), ("UNKNOWN", 99)):
            process.ahead_us = ahead_us * SECOND_US
            await process.boards.on_connect()
            await client.until(lambda state=state: state_of(client, shop) == state)  # type: ignore[misc] # bound at once


async def test_results_that_move_nothing_make_nobody_look(
    monitor: Monitor, worker: Worker, process: Process, admin: Admin, database_url: str
) -> None:
    shop = await monitor.service()
    checks = [await monitor.check(shop, name) for name in ("a", "b")]
    for check in checks:
        await worker.record(check, [UP])
    told: list[str] = []
    listener = await asyncpg.connect(database_url)
    await listener.add_listener(service_changes.CHANNEL, lambda *event: told.append(str(event[3])))
    async with process.client(monitor.tenant_id) as client:
        reads, events = process.store.reads, client.told
        for _ in range(3):
            await worker.record(checks[0], [UP, DOWN, UP])  # one failure confirms nothing
        assert told == []
        await worker.record(checks[1], [DOWN, DOWN])
        await client.until(lambda: state_of(client, shop) == "DEGRADED")
        assert (process.store.reads - reads, client.told - events) == (1, 1)
    assert told == [service_changes.ServiceChange(monitor.tenant_id, shop).payload()]
    await listener.close()


async def test_much_that_moves_while_a_board_rests_is_read_together(
    monitor: Monitor, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with process.client(monitor.tenant_id) as client:
        monkeypatch.setattr(boards, "_MIN_INTERVAL_S", 3_600)
        first = await monitor.service("first")
        await client.until(lambda: first in client.sees)  # which was read; from now on the snapshot is not read
        reads, heard = process.store.reads, process.heard
        made = [await monitor.service(f"s{number}") for number in range(40)]
        await process.has_heard(heard + 40)
        assert process.store.reads == reads

        process.boards._caches[monitor.tenant_id]._not_before = -math.inf
        process.boards._wake.set()
        await client.until(lambda: client.sees.keys() == {first, *made})
        assert process.store.reads == reads + 1


async def test_who_resumes_is_told_what_differs_also_by_another_process(
    monitor: Monitor, worker: Worker, process: Process, database_url: str
) -> None:
    made = [await monitor.service(f"s{number}") for number in range(200)]
    async with process.client(monitor.tenant_id) as before:
        pass
    async with process.client(monitor.tenant_id, before) as same:
        assert (same.told, same.sees) == (0, before.sees)
    await worker.record(await monitor.check(made[7]), [DOWN, DOWN])
    await monitor.services.delete(monitor.actor, made[9])
    new = await monitor.service("new")
    async with a_process(database_url) as other, other.client(monitor.tenant_id, before) as after:
        assert state_of(after, made[7]) == "DOWN"
        assert after.sees.keys() == {*made, new} - {made[9]}
        assert after.told <= 3 * 200 // 128 + 12  # those of three buckets
        async with process.client(monitor.tenant_id) as anew:
            assert after.sees == anew.sees


async def test_who_filters_sees_services_come_and_go_with_their_labels(monitor: Monitor, process: Process) -> None:
    shop, mail = [await monitor.service(name, labels={"team": team}) for name, team in (("Shop", "web"), ("Mail", "x"))]
    wanted = ServiceFilter(labels=(("team", "web"),))
    async with process.client(monitor.tenant_id, wanted=wanted.admits) as client:
        assert client.sees.keys() == {shop}
        for team in ("web", "x"):
            draft = ServiceDraft("Mail", "", "", {"team": team})
            await monitor.services.update(monitor.actor, mail, "", lambda _, draft=draft: draft)  # type: ignore[misc] # bound at once
            expected = {shop, mail} if team == "web" else {shop}
            await client.until(lambda expected=expected: client.sees.keys() == expected)  # type: ignore[misc] # bound at once


async def test_a_filter_admits_what_the_list_finds(monitor: Monitor) -> None:
    for name, labels in (("Shop 100%", {"team": "web"}), ("shöp_2", {"team": "api", "tier": "1"}), ("Mail", {})):
        await monitor.service(name, labels=labels, description=f"sells {name}")

    async def listed(wanted: ServiceFilter) -> Sequence[Service]:
        page = await monitor.services.list(monitor.tenant_id, wanted, ServiceOrder(), 0, "")
        return [each.service for each in page.items]

    every = await listed(ServiceFilter())
    for wanted in (
        *(ServiceFilter(text=text) for text in ("SHO", "0%", "_", "sells", "SHÖP", "x")),
        *(ServiceFilter(labels=labels) for labels in ((("team", None),), (("team", "web"),), (("tier", "1"),))),
    ):
        assert [each for each in every if wanted.admits(each)] == await listed(wanted), wanted


async def test_another_tenants_services_are_neither_shown_nor_told(
    monitor: Monitor, process: Process, admin: Admin, store: MonitorStore
) -> None:
    other = await a_monitor(admin, store)
    await other.service("Theirs")
    async with process.client(monitor.tenant_id) as client, process.client(other.tenant_id) as theirs:
        await other.service("Theirs too")
        await theirs.until(lambda: len(theirs.sees) == 2)
        shop = await monitor.service()
        await client.until(lambda: client.sees.keys() == {shop})
        assert client.told == 1


async def test_a_tenant_has_so_many_streams(monitor: Monitor, process: Process) -> None:
    process.watches.open = OpenStreams(StreamMetrics("sentinel_watch", "services"), most_of_a_tenant=1)
    async with process.client(monitor.tenant_id):
        with pytest.raises(ResourceExhausted, match="open streams"):
            async with process.follow(monitor.tenant_id) as second:
                await anext(second)
    async with process.client(monitor.tenant_id):
        pass


async def test_what_changed_while_nobody_listened_is_seen_as_soon_as_somebody_does(
    monitor: Monitor, process: Process, admin: Admin
) -> None:
    async with process.client(monitor.tenant_id) as client:
        killed = await admin.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        assert killed == 1
        shop = await monitor.service()
        await client.until(lambda: client.sees.keys() == {shop})


async def test_without_the_database_what_was_known_becomes_unknown_and_nobody_can_begin(
    monitor: Monitor, worker: Worker, process: Process, admin: Admin, store: MonitorStore
) -> None:
    shop = await monitor.service()
    await worker.record(await monitor.check(shop, interval_us=INTERVAL), [UP])
    other = await a_monitor(admin, store)
    async with process.client(monitor.tenant_id) as client:
        await process.pool.close()
        process.ahead_us = 3 * INTERVAL
        await process.boards.on_connect()
        await client.until(lambda: state_of(client, shop) == "UNKNOWN")
        async with process.follow(other.tenant_id) as events:
            with pytest.raises(Unavailable):
                await anext(events)
        async with process.client(monitor.tenant_id) as second:
            assert second.sees == client.sees


@pytest.mark.parametrize("why", [EndReason.SHUTTING_DOWN, EndReason.TOKEN_EXPIRED, EndReason.SESSION_ENDED])
async def test_a_stream_that_must_end_says_why_at_the_next_look_and_where_to_resume(
    monitor: Monitor, process: Process, why: EndReason, database_url: str
) -> None:
    shop = await monitor.service()
    principal = a_viewer(monitor.tenant_id)
    async with process.follow(monitor.tenant_id, principal=principal) as events:
        before = Client(None)
        before.events = events
        await before.until(lambda: before.complete)
        if why is EndReason.SHUTTING_DOWN:
            process.stopping.set()
        elif why is EndReason.TOKEN_EXPIRED:
            process.guard.expire()
        else:
            entry = Revocation(kind=Revoked.SESSION, subject=principal.credential_id, time=datetime.now(UTC))
            process.revocations.on_notify(entry.payload())
        async with asyncio.timeout(PATIENCE_S):
            (end,) = [event async for event in events]
    assert isinstance(end, StreamEnd)
    assert end.reason is why
    assert process.guard.found == [why]
    assert POLL_S <= 0.5
    before.take(end)
    async with a_process(database_url) as other, other.client(monitor.tenant_id, before) as after:
        assert (after.told, set(after.sees)) == (0, {shop})


async def test_a_quiet_stream_says_where_it_stands(
    monitor: Monitor, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    await monitor.service()
    async with process.client(monitor.tenant_id) as client:
        monkeypatch.setattr(stream_reader, "KEEP_ALIVE_AFTER_S", 0.1)
        async with asyncio.timeout(PATIENCE_S):
            beat = await anext(client.events)
    assert isinstance(beat, KeepAlive)
    assert beat.cursor == client.cursor


async def test_a_board_is_given_up_with_its_last_reader(monitor: Monitor, process: Process) -> None:
    async with process.client(monitor.tenant_id), process.client(monitor.tenant_id):
        pass
    reads = process.store.reads
    await monitor.service()
    async with process.client(monitor.tenant_id):
        assert process.store.reads == reads + 1


async def test_reading_a_board_passes_over_no_other_tenants_rows(
    monitor: Monitor, process: Process, admin: Admin, store: MonitorStore
) -> None:
    for each in (monitor, *[await a_monitor(admin, store) for _ in range(20)]):
        await admin.execute(
            """
            WITH s AS (
                INSERT INTO services (tenant_id, id, name, url, description, labels, create_time, update_time)
                SELECT $1, gen_random_uuid(), 's' || n, '', '', '{}', now(), now()
                FROM generate_series(1, 200) AS n RETURNING tenant_id, id
            ), c AS (
                INSERT INTO checks (tenant_id, id, service_id, shard, name, kind, spec_message, interval_us, timeout_us,
                                    failure_threshold, recovery_threshold, retries, create_time, update_time)
                SELECT tenant_id, gen_random_uuid(), id, 1, 'home', 'http', '{"http": {}}', 5000000, 1000000, 2, 1, 0,
                       now(), now()
                FROM s RETURNING tenant_id, id
            ), p AS (
                INSERT INTO check_periods (tenant_id, check_id, start_time, interval_us)
                SELECT tenant_id, id, now(), 5000000 FROM c
            )
            INSERT INTO check_states (tenant_id, check_id, state, state_time, streak, streak_outcome, streak_time,
                                      verdict_time, accounted_time)
            SELECT tenant_id, id, 1, now(), 1, 1, now(), now(), now() FROM c
            """,
            each.tenant_id,
        )
    await admin.execute("ANALYZE services, checks, check_periods, check_states, incidents, maintenance_spans")
    some = [
        row["id"]
        for row in await admin.fetch("SELECT id FROM services WHERE tenant_id = $1 LIMIT 3", monitor.tenant_id)
    ]
    for statement, given in (
        (snapshots.SERVICES_OF_TENANT, ()),
        (snapshots.CHECKS_OF_TENANT, ()),
        (snapshots.SOME_SERVICES, (some,)),
        (snapshots.CHECKS_OF_SOME, (some,)),
    ):
        plan = await plan_of(admin, monitor.tenant_id, (statement, (monitor.tenant_id, *given)))
        assert "Seq Scan" not in plan.replace("Seq Scan on incidents", ""), plan  # which is empty
    async with process.client(monitor.tenant_id) as client:
        assert len(client.sees) == 200
        assert {shown.state for shown in client.sees.values()} == {ServiceState.UP}
