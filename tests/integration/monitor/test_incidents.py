"""Incidents: what people see of them and do about them, and what ends them when nobody watches any more."""

import asyncio
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.assertion_outcome import to_column
from services.checks.incident import IncidentEventKind, Resolution
from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import RunDetails
from services.checks.state import CheckState
from services.monitor.incidents.incident import Cause, Incident, IncidentState
from services.monitor.incidents.incidents import IncidentFilter
from services.monitor.services import ServiceFilter, ServiceOrder
from services.monitor.store import MonitorStore
from services.platform.clock import now_us
from services.platform.errors import FailedPrecondition, NotFound
from services.platform.ids import new_id
from services.platform.security.audit import ActorKind
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.integration.monitor.recording import STEP, Worker
from tests.support.full_results import DETAILS, FULL_DETAILS

UP, DOWN = Outcome.UP, Outcome.DOWN
OPENED, ACKNOWLEDGED, NOTE, RESOLVED = IncidentEventKind


async def listed(monitor: Monitor, **wanted: Any) -> Sequence[Incident]:
    """All incidents that meet a filter."""
    page = await monitor.incidents.list(monitor.tenant_id, replace(IncidentFilter(), **wanted), 0, "")
    assert page.total == len(page.items)
    return page.items


async def down(monitor: Monitor, worker: Worker, service_id: UUID, name: str = "home") -> Incident:
    """The open incident of a new check."""
    check_id = await monitor.check(service_id, name)
    await worker.record(check_id, [DOWN, DOWN])
    return next(each for each in await listed(monitor) if each.check_id == check_id)


async def test_an_incident_is_read_with_its_cause_and_its_end(monitor: Monitor, worker: Worker) -> None:
    service_id = await monitor.service()
    check_id = await monitor.check(service_id)
    first = await worker.record(check_id, [DOWN, DOWN])
    refused = Cause(ErrorKind.CONNECT_REFUSED, "refused", None)

    (opened,) = await listed(monitor)
    assert (opened.service_id, opened.check_id) == (service_id, check_id)
    assert (opened.service_name, opened.check_name) == ("Shop", "home")
    assert (opened.start_us, opened.detect_us, opened.end_us) == (first, first + STEP, None)
    assert (opened.state, opened.cause, opened.last_cause) == (IncidentState.OPEN, refused, refused)
    assert opened.duration_us(first + 90 * STEP) == 90 * STEP
    status = await monitor.status.of_service(monitor.tenant_id, service_id)
    assert (status.open_incidents, status.reason) == (1, "1 of 1 check is down: home")
    assert status.checks[0].reason == "2 consecutive slots failed: refused"

    await worker.record(check_id, [DOWN], "refused again")
    recovered = await worker.record(check_id, [UP])
    found, events = await monitor.incidents.get(monitor.tenant_id, opened.id)
    assert (found.state, found.end_us, found.resolution) == (IncidentState.RESOLVED, recovered, Resolution.RECOVERED)
    assert (found.cause, found.last_cause) == (refused, replace(refused, error_message="refused again"))
    assert found.duration_us(now_us()) == recovered - first
    assert [(event.kind, event.actor) for event in events] == [(OPENED, None), (RESOLVED, None)]
    assert (await monitor.status.of_service(monitor.tenant_id, service_id)).open_incidents == 0


async def test_an_incident_is_read_with_every_column_that_it_has_of_its_first_slot(
    monitor: Monitor, worker: Worker, admin: Admin
) -> None:
    incident = await down(monitor, worker, await monitor.service())
    assert [each.name for each in fields(RunDetails) if DETAILS[each.name] == each.default] == []
    columns = {**DETAILS, "failed_assertions": to_column(FULL_DETAILS.failed_assertions)}
    places = ", ".join(f"{name} = ${number}" for number, name in enumerate(columns, 2))
    await admin.execute(f"UPDATE incidents SET {places} WHERE id = $1", incident.id, *columns.values())

    found, _ = await monitor.incidents.get(monitor.tenant_id, incident.id)
    assert found.first == FULL_DETAILS

    await admin.execute("UPDATE incidents SET " + ", ".join(f"{name} = NULL" for name in columns))
    found, _ = await monitor.incidents.get(monitor.tenant_id, incident.id)
    assert (found.first, found.cause) == (None, None)


async def test_people_acknowledge_note_and_resolve_and_the_timeline_names_them(
    monitor: Monitor, worker: Worker, admin: Admin
) -> None:
    incident = await down(monitor, worker, await monitor.service())
    of = (monitor.actor, incident.id)

    acknowledged = await monitor.incidents.acknowledge(*of, "mine")
    assert acknowledged.acknowledge_us is not None
    assert await monitor.incidents.acknowledge(*of, "me too") == acknowledged
    await monitor.incidents.note(*of, "a disk is full")
    resolved = await monitor.incidents.resolve(*of, "made room")
    assert (resolved.state, resolved.resolution) == (IncidentState.RESOLVED, Resolution.BY_HAND)
    assert resolved.last_cause == incident.cause
    assert await monitor.incidents.resolve(*of, "again") == resolved
    with pytest.raises(FailedPrecondition) as refused:
        await monitor.incidents.acknowledge(*of, "")
    assert refused.value.reason == reasons.ERROR_REASON_INCIDENT_RESOLVED
    await monitor.incidents.note(*of, "post mortem")

    _, events = await monitor.incidents.get(monitor.tenant_id, incident.id)
    notes = [(OPENED, ""), (ACKNOWLEDGED, "mine"), (NOTE, "a disk is full"), (RESOLVED, "made room")]
    assert [(event.kind, event.note) for event in events] == [*notes, (NOTE, "post mortem")]
    actors = {(event.actor.kind, event.actor.id) for event in events[1:] if event.actor}
    assert actors == {(ActorKind.USER, monitor.actor.id)}
    rows = await admin.fetch("SELECT action, resource_id FROM audit_log WHERE action LIKE 'incident.%' ORDER BY id")
    expected = ["acknowledge", "note", "resolve", "note"]
    assert [tuple(row) for row in rows] == [(f"incident.{verb}", incident.id) for verb in expected]


async def test_what_was_resolved_by_hand_opens_again_only_by_a_new_run(monitor: Monitor, worker: Worker) -> None:
    incident = await down(monitor, worker, await monitor.service())
    resolved = await monitor.incidents.resolve(monitor.actor, incident.id, "")
    assert resolved.end_us is not None

    await worker.record(incident.check_id, [DOWN, DOWN, DOWN])
    assert len(await listed(monitor)) == 1
    await worker.record(incident.check_id, [UP, DOWN])
    assert len(await listed(monitor)) == 1
    await worker.record(incident.check_id, [DOWN])
    newest, oldest = await listed(monitor)
    assert (newest.state, oldest) == (IncidentState.OPEN, resolved)
    assert newest.start_us >= resolved.end_us


async def test_pausing_ends_an_incident_and_behind_it_a_run_begins_anew(monitor: Monitor, worker: Worker) -> None:
    service_id = await monitor.service()
    incident = await down(monitor, worker, service_id)
    of = (monitor.actor, service_id, incident.check_id)

    paused = (await monitor.checks.pause(*of)).check
    found, events = await monitor.incidents.get(monitor.tenant_id, incident.id)
    assert (found.resolution, events[-1].kind) == (Resolution.CHECK_PAUSED, RESOLVED)
    assert found.end_us == max(incident.start_us, paused.update_us)
    assert events[-1].actor is not None
    assert events[-1].actor.id == monitor.actor.id

    resumed = await monitor.checks.resume(*of)
    assert resumed.known(now_us())[0] is CheckState.UNKNOWN
    assert await monitor.checks.get(*(monitor.tenant_id, *of[1:])) == resumed
    await worker.record(incident.check_id, [DOWN])
    assert len(await listed(monitor, state=IncidentState.OPEN)) == 0
    await worker.record(incident.check_id, [DOWN])
    assert len(await listed(monitor, state=IncidentState.OPEN)) == 1


@pytest.mark.parametrize("first", ["the result", "the pause"])
async def test_of_a_pause_and_a_result_at_once_no_incident_stays_open(
    monitor: Monitor, worker: Worker, admin: Admin, database_url: str, first: str
) -> None:
    """Whichever comes first is held up at the incident, all before that written, until the other waits for it."""
    service_id = await monitor.service()
    check_id = await monitor.check(service_id)
    await worker.record(check_id, [DOWN])
    watcher = await asyncpg.connect(database_url)

    async def waiting(number: int) -> None:
        # PostgreSQL has no event for it.
        while await watcher.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < number:  # noqa: ASYNC110 — see above
            await asyncio.sleep(0)

    try:
        async with admin.transaction():
            await admin.execute("LOCK TABLE incidents IN EXCLUSIVE MODE")
            both = [worker.record(check_id, [DOWN]), monitor.checks.pause(monitor.actor, service_id, check_id)]
            tasks = []
            for number, each in enumerate(both if first == "the result" else both[::-1], 1):
                tasks.append(asyncio.create_task(each))
                await waiting(number)
        await asyncio.gather(*tasks)
    finally:
        await watcher.close()

    found = await listed(monitor)
    assert [each.resolution for each in found] == ([Resolution.CHECK_PAUSED] if first == "the result" else [])


async def test_deleting_a_check_or_its_service_ends_its_incident_which_stays(monitor: Monitor, worker: Worker) -> None:
    services = [await monitor.service(), await monitor.service("Blog")]
    deleted, orphaned, kept = [
        await down(monitor, worker, service_id, name)
        for service_id, name in ((services[0], "a"), (services[1], "b"), (services[0], "c"))
    ]

    await monitor.checks.delete(monitor.actor, services[0], deleted.check_id)
    await monitor.services.delete(monitor.actor, services[1])

    found = {incident.id: incident for incident in await listed(monitor)}
    assert found.keys() == {deleted.id, orphaned.id, kept.id}
    assert found[deleted.id].resolution is found[orphaned.id].resolution is Resolution.CHECK_DELETED
    assert (found[orphaned.id].service_name, found[kept.id].state) == ("Blog", IncidentState.OPEN)


async def test_incidents_are_listed_by_state_service_and_time_newest_first_in_pages(
    monitor: Monitor, worker: Worker
) -> None:
    services = [await monitor.service(), await monitor.service("Blog")]
    made = [await down(monitor, worker, services[number % 2], f"c{number}") for number in range(5)]
    await worker.record(made[0].check_id, [UP])
    ids = [incident.id for incident in made]

    assert [each.id for each in await listed(monitor)] == ids[::-1]
    assert [each.id for each in await listed(monitor, service_id=services[1])] == [ids[3], ids[1]]
    assert [each.id for each in await listed(monitor, state=IncidentState.RESOLVED)] == [ids[0]]
    assert [each.id for each in await listed(monitor, state=IncidentState.OPEN)] == ids[:0:-1]
    (ended,) = await listed(monitor, state=IncidentState.RESOLVED)
    assert ended.end_us is not None
    assert ids[0] in [each.id for each in await listed(monitor, start_us=ended.end_us - 1)]
    assert ids[0] not in [each.id for each in await listed(monitor, start_us=ended.end_us)]
    shown = await monitor.services.list(monitor.tenant_id, ServiceFilter(), ServiceOrder(by_name=True), 0, "")
    assert [(row.service.name, row.open_incidents) for row in shown.items] == [("Blog", 2), ("Shop", 2)]
    assert await listed(monitor, end_us=min(each.start_us for each in made)) == []
    assert len(await listed(monitor, end_us=min(each.start_us for each in made) + 1)) == 1

    seen, token = [], ""
    while True:
        page = await monitor.incidents.list(monitor.tenant_id, IncidentFilter(), 2, token)
        seen += [each.id for each in page.items]
        assert page.total == 5
        token = page.next_token
        if not token:
            break
    assert seen == ids[::-1]


async def test_what_is_not_there_and_what_is_anothers_answers_the_same(
    monitor: Monitor, worker: Worker, admin: Admin, store: MonitorStore
) -> None:
    other = await a_monitor(admin, store)
    incident = await down(other, worker, await other.service())

    for unknown in (incident.id, new_id()):
        with pytest.raises(NotFound):
            await monitor.incidents.get(monitor.tenant_id, unknown)
        for step in (monitor.incidents.acknowledge, monitor.incidents.note, monitor.incidents.resolve):
            with pytest.raises(NotFound) as refused:
                await step(monitor.actor, unknown, "x")
            assert refused.value.reason == reasons.ERROR_REASON_INCIDENT_NOT_FOUND
    for unknown in (incident.service_id, new_id()):
        with pytest.raises(NotFound) as refused:
            await listed(monitor, service_id=unknown)
        assert refused.value.reason == reasons.ERROR_REASON_SERVICE_NOT_FOUND
    assert await listed(monitor) == []
    assert await listed(other) == [incident]
