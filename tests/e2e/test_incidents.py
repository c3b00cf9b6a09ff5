"""An incident's life as a team sees it: a target goes away and comes back (semantics.md §14)."""

from typing import Any

from tests.e2e.target import Target
from tests.support.stack import Stack, Team, bearer, fields, reason, until
from tests.support.wall_clock import begin_well_within_the_hour


def the_incident(team: Team, service: str) -> dict[str, Any]:
    """The one incident of a service; empty while there is none."""
    answer = team.client.get(f"/incidents?serviceId={service}").json()
    assert answer["totalSize"] == len(answer["incidents"]) <= 1
    return next(iter(answer["incidents"]), {})


def the_overview_shows_it(team: Team, incident: dict[str, Any]) -> None:
    overview = team.client.get("/overview").json()["overview"]
    (shown,) = overview["newestOpenIncidents"]
    assert overview["openIncidents"] == 1
    assert all(shown[name] == incident[name] for name in ("id", "serviceName", "startTime", "cause"))


def the_figures_tell_of_it(team: Team, service: str, incident: dict[str, Any]) -> None:
    series = team.client.get(f"/services/{service}/uptime?startTime={incident['startTime']}").json()
    for figures in (team.status(service)["uptime"][0], series["overall"], series["buckets"][0]):
        assert (figures["incidents"], figures["resolvedIncidents"]) == (1, 1)
        assert figures["mttr"] == incident["duration"]
        assert figures["mtbf"] == figures["up"]
        assert figures["latency"]["p50"]


def test_an_incident_opens_when_the_target_goes_away_and_is_resolved_when_it_is_back(
    stack: Stack, team: Team, other_team: Team, target: Target
) -> None:
    begin_well_within_the_hour()  # the figures of the incident are by the hour
    service = team.service("Shop")
    check = team.check(service, target.url, name="home")
    results = team.results(f"?checkId={check}")
    assert next(results)["result"]["outcome"] == "OUTCOME_UP"
    assert the_incident(team, service) == {}

    target.stop()
    failing = [next(results)["result"] for _ in range(2)]
    until(lambda: the_incident(team, service))
    incident = the_incident(team, service)
    assert (incident["state"], incident["serviceName"], incident["checkName"]) == (
        "INCIDENT_STATE_OPEN",
        "Shop",
        "home",
    )
    assert [incident["startTime"], incident["detectTime"]] == [each["slotTime"] for each in failing]
    assert incident["cause"]["errorKind"] == "ERROR_KIND_CONNECT_REFUSED"
    assert incident["cause"]["errorMessage"] == failing[0]["errorMessage"]
    assert {"endTime", "acknowledgeTime"} & incident.keys() == set()
    status = team.status(service)
    assert (status["openIncidents"], status["stateReason"]) == (1, "1 of 1 check is down: home")
    assert status["stateTime"] == status["checks"][0]["stateTime"] == incident["startTime"]
    assert status["checks"][0]["stateReason"].startswith("2 consecutive slots failed: ")
    the_overview_shows_it(team, incident)

    path = f"/incidents/{incident['id']}"
    member, viewer = team.person("member"), team.person("viewer")
    with stack.rest() as client:
        by_member, by_viewer = bearer(member.token), bearer(viewer.token)
        acknowledged = client.post(f"{path}:acknowledge", json={"note": "mine"}, headers=by_member).json()["incident"]
        assert acknowledged["acknowledgeTime"]
        assert client.post(f"{path}:note", json={}, headers=by_member).status_code == 400
        assert client.get("/incidents", headers=by_viewer).json()["incidents"][0]["id"] == incident["id"]
        assert client.get(path, headers=by_viewer).status_code == 403  # the timeline names people
    for verb in (":acknowledge", ":note", ":resolve"):
        answer = other_team.client.post(path + verb, json={"note": "not mine"})
        assert (answer.status_code, reason(answer)) == (404, "INCIDENT_NOT_FOUND")
    assert other_team.client.get(path).status_code == 404
    assert other_team.client.get("/incidents").json()["incidents"] == []

    target.start()
    passed = next(each["result"] for each in results if each["result"]["outcome"] == "OUTCOME_UP")
    until(lambda: the_incident(team, service)["state"] == "INCIDENT_STATE_RESOLVED")
    results.close()
    answer = team.client.get(path).json()
    assert answer["incident"]["endTime"] == passed["slotTime"]
    assert answer["incident"]["resolution"] == "INCIDENT_RESOLUTION_RECOVERED"
    kinds = [event["kind"].removeprefix("INCIDENT_EVENT_KIND_") for event in answer["timeline"]]
    assert kinds == ["OPENED", "ACKNOWLEDGED", "RESOLVED"]
    assert (answer["timeline"][1]["actor"]["name"], answer["timeline"][1]["note"]) == (member.email, "mine")
    assert team.status(service)["openIncidents"] == 0
    the_figures_tell_of_it(team, service, answer["incident"])
    refused = team.client.post(f"{path}:acknowledge", json={})
    assert (refused.status_code, reason(refused)) == (400, "INCIDENT_RESOLVED")


def test_a_filter_that_cannot_be_names_its_field(team: Team) -> None:
    for query, field in (
        ("serviceId=x", "service_id"),
        ("startTime=2026-01-02T00:00:00Z&endTime=2026-01-01T00:00:00Z", "end_time"),
    ):
        answer = team.client.get(f"/incidents?{query}")
        assert (answer.status_code, fields(answer)) == (400, [field])
