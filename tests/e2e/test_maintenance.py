"""A maintenance window and the history of a check, through Envoy."""

from tests.e2e.target import Target
from tests.support.stack import Team, until


def test_a_window_puts_its_service_into_maintenance_until_it_is_deleted(team: Team) -> None:
    service = team.service("Shop")
    team.check(service, "http://localhost:1/", interval="3600s")
    body = {"name": "Upgrade", "serviceId": service, "duration": "3600s"}
    window = team.post("/maintenance-windows", **body)["window"]

    assert team.client.get(f"/maintenance-windows/{window['id']}").json()["window"] == window
    assert [each["id"] for each in team.client.get("/v1/maintenance-windows").json()["windows"]] == [window["id"]]
    status = team.client.get(f"/services/{service}/status").json()["status"]
    assert status["state"] == "SERVICE_STATE_MAINTENANCE"
    assert [check["state"] for check in status["checks"]] == ["CHECK_STATE_MAINTENANCE"]

    assert team.client.delete(f"/maintenance-windows/{window['id']}").status_code == 200
    status = team.client.get(f"/services/{service}/status").json()["status"]
    assert status["state"] == "SERVICE_STATE_UNKNOWN"


def test_a_window_that_goes_on_is_changed_and_only_from_now_on(team: Team) -> None:
    service = team.service("Shop")
    team.check(service, "http://localhost:1/", interval="3600s")
    window = team.post("/maintenance-windows", name="Upgrade", serviceId=service, duration="3600s")["window"]
    path = f"/maintenance-windows/{window['id']}"

    changed = team.client.patch(path, json={"duration": "7200s", "etag": window["etag"]}).json()["window"]
    assert changed["etag"] != window["etag"]
    assert {**changed, "etag": "", "updateTime": ""} == {**window, "duration": "7200s", "etag": "", "updateTime": ""}
    assert team.client.get(path).json()["window"] == changed
    assert team.status(service)["state"] == "SERVICE_STATE_MAINTENANCE"
    stale = team.client.patch(path, json={"name": "Move", "etag": window["etag"]})
    assert (stale.status_code, stale.json()["details"][0]["reason"]) == (409, "ETAG_MISMATCH")

    ahead = team.client.patch(f"/v1{path}", json={"startTime": "2090-01-01T00:00:00Z"}).json()["window"]
    assert (ahead["startTime"], ahead["duration"]) == ("2090-01-01T00:00:00Z", "7200s")
    assert team.status(service)["state"] == "SERVICE_STATE_UNKNOWN"
    for field, change in (
        ("window.start_time", {"startTime": "2020-01-01T00:00:00Z"}),
        ("window.rrule", {"rrule": "FREQ=HOURLY"}),
        ("window.duration", {"duration": "1s"}),
    ):
        refused = team.client.patch(path, json=change)
        assert refused.status_code == 400
        assert field in refused.text
    assert team.client.get(path).json()["window"] == ahead


def test_a_failure_opens_no_incident_inside_a_window_and_one_behind_it(team: Team) -> None:
    service = team.service("Shop")
    window = team.post("/maintenance-windows", name="Upgrade", serviceId=service, duration="3600s")["window"]
    check = team.check(service, "http://localhost:1/", failureThreshold=1)
    results = team.results(f"?checkId={check}")

    def incidents() -> list[str]:
        found = team.client.get(f"/incidents?serviceId={service}").json()["incidents"]
        return [incident["startTime"] for incident in found]

    assert next(results)["result"]["outcome"] == "OUTCOME_DOWN"
    assert incidents() == []
    status = team.status(service)
    assert (status["stateReason"], status["stateTime"]) == ("in a maintenance window", window["startTime"])
    assert team.client.delete(f"/maintenance-windows/{window['id']}").status_code == 200
    behind = next(results)["result"]
    until(incidents)
    assert incidents() == [behind["slotTime"]]
    results.close()


def test_a_bad_rule_and_a_bad_duration_are_refused_by_name(team: Team) -> None:
    for field, change in (
        ("window.rrule", {"rrule": "FREQ=HOURLY"}),
        ("window.time_zone", {"timeZone": "Mars/Olympus"}),
        ("window.duration", {"duration": "1s"}),
        ("window.duration", {"duration": None}),
    ):
        answer = team.client.post("/maintenance-windows", json={"name": "Upgrade", "duration": "60s", **change})
        assert answer.status_code == 400
        assert field in answer.text


def test_what_a_check_ended_as_is_listed_by_time_and_outcome(team: Team, target: Target) -> None:
    service = team.service("Shop")
    check = team.check(service, target.url, name="home")
    path = f"/services/{service}/checks/{check}/results"
    seen = next(iter(team.results(f"?checkId={check}")))["result"]

    def slots(query: str = "") -> list[str]:
        answer = team.client.get(path + query)
        assert answer.status_code == 200, answer.text
        return [result["slotTime"] for result in answer.json()["results"]]

    assert seen["slotTime"] in slots()
    assert seen["slotTime"] in slots(f"?startTime={seen['slotTime']}&outcomes={seen['outcome']}")
    assert seen["slotTime"] not in slots(f"?endTime={seen['slotTime']}")
    assert slots("?onDemand=true") == []
    backwards = team.client.get(path + "?startTime=2026-01-02T00:00:00Z&endTime=2026-01-01T00:00:00Z")
    assert backwards.status_code == 400
    assert "end_time" in backwards.text
