"""The life of a service and its checks in the results stream: workers apply changes within 1 s (semantics.md §7)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from sentinel.monitor.v1 import monitor_service_pb2, service_pb2
from sentinel.monitor.v1.monitor_service_pb2_grpc import MonitorServiceStub

from tests.e2e.target import Target
from tests.support.stack import Stack, Team, fields, grpc_channel, reason

# Within 1 s where there is time for it; a busy machine takes longer.
OBEYS = timedelta(seconds=3)


@pytest.fixture
def second_target() -> Iterator[Target]:
    """Another target that answers."""
    with Target() as target:
        yield target


def moment(text: str) -> datetime:
    """A timestamp of the contract."""
    return datetime.fromisoformat(text)


class Watch:
    """The runs of a service's checks, as the results stream reports them.

    Besides the check that a test is about, the service has a witness, run every 5 s as well: once it has been run twice
    behind a moment, a slot of the other one has passed.
    """

    def __init__(self, team: Team, service: str, target: Target) -> None:
        self.witness = team.check(service, target.url)
        self._results = team.results(f"?serviceId={service}")

    def runs(self) -> Iterator[dict[str, Any]]:
        """What was run, as it comes; not what was missed."""
        for event in self._results:
            if event["result"]["outcome"] != "OUTCOME_MISSED":
                yield event["result"]

    def next_of(self, check: str, behind: datetime) -> dict[str, Any]:
        """The first run of a check that began behind a moment."""
        return next(run for run in self.runs() if run["checkId"] == check and moment(run["startTime"]) > behind)

    def through_a_slot(self, behind: datetime) -> list[dict[str, Any]]:
        """All runs up to where the witness says that a slot of the others has passed behind a moment."""
        seen: list[dict[str, Any]] = []
        witnessed = 0
        while witnessed < 2:
            run = next(self.runs())
            seen.append(run)
            witnessed += run["checkId"] == self.witness and moment(run["startTime"]) > behind
        return seen


def patched(team: Team, path: str, **body: Any) -> dict[str, Any]:
    """What a partial update that succeeds answers."""
    answer = team.client.patch(path, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_a_check_is_made_changed_paused_resumed_and_deleted_and_the_worker_obeys(
    team: Team, target: Target, second_target: Target
) -> None:
    service = team.service("Shop")
    check = team.check(service, target.url, name="home")
    path = f"/services/{service}/checks/{check}"
    watch = Watch(team, service, second_target)
    made = team.client.get(path).json()["check"]
    assert watch.next_of(check, moment(made["createTime"]))["outcome"] == "OUTCOME_UP"

    target.stop()  # from now on, UP says that the new address is probed
    edited = patched(team, path, http={"url": second_target.url}, etag=made["etag"])["check"]
    assert (edited["http"]["url"], edited["interval"], edited["name"]) == (second_target.url, "5s", "home")
    assert watch.next_of(check, moment(edited["updateTime"]) + OBEYS)["outcome"] == "OUTCOME_UP"

    paused = team.post(f"{path}:pause")["check"]
    assert (paused["state"], paused["enabled"]) == ("CHECK_STATE_PAUSED", False)
    pause = moment(paused["stateTime"])
    assert [run for run in watch.through_a_slot(pause + OBEYS) if _is_of(check, run, pause + OBEYS)] == []
    status = team.status(service)
    assert {each["checkId"]: each["state"] for each in status["checks"]}[check] == "CHECK_STATE_PAUSED"
    assert status["state"] == "SERVICE_STATE_UP"  # the witness alone is counted

    resumed = team.post(f"{path}:resume")["check"]
    assert resumed["enabled"]
    resume = moment(resumed["updateTime"])
    run = watch.next_of(check, pause + OBEYS)
    assert resume <= moment(run["slotTime"]) < resume + timedelta(seconds=5)

    assert team.client.delete(path).status_code == 200
    delete = datetime.now(UTC)
    gone = team.client.get(path)
    assert (gone.status_code, reason(gone)) == (404, "CHECK_NOT_FOUND")
    assert [run for run in watch.through_a_slot(delete + OBEYS) if _is_of(check, run, delete + OBEYS)] == []
    assert team.check(service, target.url, name="home", interval="3600s") != check

    assert team.client.delete(f"/services/{service}").status_code == 200
    assert team.client.get("/services").json()["services"] == []
    actions = [entry["action"] for entry in team.client.get("/audit").json()["auditEntries"]]
    assert actions[:7] == [
        "service.delete", "check.create", "check.delete", "check.resume", "check.pause", "check.update", "check.create",
    ]  # fmt: skip


def _is_of(check: str, run: dict[str, Any], behind: datetime) -> bool:
    return run["checkId"] == check and moment(run["startTime"]) > behind


def test_an_update_by_rest_takes_a_mask_or_what_is_there(team: Team) -> None:
    service = team.service("Shop")
    path = f"/services/{service}/checks/{team.check(service, 'http://localhost:1/', interval='3600s')}"
    headers = {"x-one": "1"}
    patched(team, path, http={"headers": headers}, failureThreshold=5)
    masked = team.client.patch(
        f"{path}?updateMask=http.url,failureThreshold", json={"http": {"url": "http://localhost:2/"}}
    )
    check = masked.json()["check"]

    assert (check["http"]["url"], check["http"]["headers"]) == ("http://localhost:2/", headers)
    assert (check["failureThreshold"], check["timeout"]) == (2, "2s")


@pytest.mark.parametrize(
    ("query", "body", "status", "why", "field"),
    [
        ("", {"etag": "0" * 16, "name": "x"}, 409, "ETAG_MISMATCH", []),
        ("", {"name": "taken"}, 409, "CHECK_NAME_TAKEN", []),
        ("", {"timeout": "5s"}, 400, "FIELD_INVALID", ["check.timeout"]),
        ("", {"http": {"headers": {"x": "a\r\nb: c"}}}, 400, "FIELD_INVALID", ["check.http.headers['x']"]),
        ("", {"http": {"url": "http://localhost:0/"}}, 400, "FIELD_INVALID", ["check.http.url"]),
        ("?updateMask=state", {}, 400, "FIELD_INVALID", ["update_mask"]),
        ("?updateMask=name,http.nothing", {}, 400, "FIELD_INVALID", ["update_mask"]),
    ],
)
def test_an_update_that_breaks_a_rule_is_refused(
    team: Team, query: str, body: dict[str, Any], status: int, why: str, field: list[str]
) -> None:
    service = team.service("Shop")
    team.check(service, "http://localhost:1/", name="taken")
    path = f"/services/{service}/checks/{team.check(service, 'http://localhost:1/')}"
    answer = team.client.patch(path + query, json=body)

    assert (answer.status_code, reason(answer), fields(answer)) == (status, why, field)


@pytest.mark.parametrize(("path", "field"), [("/services/x", "service.id"), ("/services/x/checks/y", "check.id")])
def test_an_id_that_is_none_is_named(team: Team, path: str, field: str) -> None:
    answer = team.client.patch(path, json={"name": "x"})

    assert (answer.status_code, reason(answer)) == (400, "FIELD_INVALID")
    assert field in fields(answer)


def test_services_are_listed_by_state_label_and_text_in_an_order(team: Team) -> None:
    for name, labels in (("Till", {"team": "web"}), ("Shop", {"team": "web", "tier": "1"}), ("Mail", {})):
        team.post("/services", name=name, labels=labels, description=f"the {name}")

    def listed(query: str) -> list[str]:
        answer = team.client.get(f"/services?{query}")
        assert answer.status_code == 200, answer.text
        return [service["name"] for service in answer.json()["services"]]

    assert listed("labels=team=web&orderBy=name") == ["Shop", "Till"]
    assert listed("labels=team&labels=tier=1") == ["Shop"]
    assert listed("text=THE%20m") == ["Mail"]
    assert listed("states=SERVICE_STATE_PAUSED&orderBy=name%20desc") == ["Till", "Shop", "Mail"]
    assert listed("states=SERVICE_STATE_UP&states=SERVICE_STATE_DOWN") == []
    for query, field in (("orderBy=size", "order_by"), ("labels=A", "labels[0]"), ("text=%00", "text")):
        answer = team.client.get(f"/services?{query}")
        assert (answer.status_code, fields(answer)) == (400, [field])


def test_native_updates_say_what_stands_against_them(stack: Stack, team: Team) -> None:
    service = team.service("Shop")
    with grpc_channel(stack) as channel:
        request = monitor_service_pb2.UpdateServiceRequest(
            service=service_pb2.Service(id=service, description="new"), update_mask=FieldMask(paths=["description"])
        )
        updated = MonitorServiceStub(channel).UpdateService(request, metadata=team.metadata).service
        assert (updated.name, updated.description) == ("Shop", "new")
        request.service.etag = "0" * 16
        with pytest.raises(grpc.RpcError) as refused:
            MonitorServiceStub(channel).UpdateService(request, metadata=team.metadata)
    error: Any = refused.value
    assert error.code() is grpc.StatusCode.ABORTED
