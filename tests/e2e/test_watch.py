"""WatchServices through Envoy: as REST in lines and as events, and as gRPC (architecture.md § Streams)."""

import json
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import json_format
from sentinel.monitor.v1 import monitor_service_pb2, service_pb2
from sentinel.monitor.v1.monitor_service_pb2_grpc import MonitorServiceStub

from tests.e2e.target import Target
from tests.support.patience import PATIENCE_S
from tests.support.stack import Stack, Team, bearer, fields, grpc_channel, reason

Event = dict[str, Any]


def watched(team: Team, **query: str) -> Generator[Event, None, None]:
    """Events as REST gives them, a JSON object a line."""
    with team.client.stream("GET", "/services:watch", params=query) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            yield json.loads(line)


def read_until_complete(events: Iterator[Event]) -> list[Event]:
    """The events up to the one that completes the snapshot."""
    seen = []
    for event in events:
        seen.append(event)
        if "complete" in event:
            return seen
    raise AssertionError("the stream ended")


def next_change(events: Iterator[Event]) -> Event:
    """The next that is no heartbeat."""
    return next(event for event in events if "heartbeat" not in event)


def latest_cursor(events: list[Event]) -> str:
    """The cursor to resume with."""
    found = [part["cursor"] for event in events for part in event.values() if part.get("cursor")]
    return str(found[-1])


def test_a_target_that_goes_away_is_seen_and_so_is_the_end_of_its_service(team: Team, target: Target) -> None:
    shop, other = team.service("Shop"), team.service("Mail")
    check = team.check(shop, target.url, name="home")
    with closing(team.results(f"?checkId={check}")) as results, closing(watched(team)) as events:
        assert next(results)["result"]["outcome"] == "OUTCOME_UP"
        first = read_until_complete(events)
        assert "heartbeat" in first[0]
        seen = {event["service"]["service"]["id"]: event["service"] for event in first if "service" in event}
        assert seen.keys() == {shop, other}
        assert seen[other]["service"]["state"] == "SERVICE_STATE_PAUSED"
        assert first[-1]["complete"]["forgetOthers"] is False
        while seen[shop]["service"]["state"] != "SERVICE_STATE_UP":
            seen[shop] = next_change(events)["service"]

        target.stop()
        down = next_change(events)["service"]
        failing = [next(results)["result"] for _ in range(2)]
        assert down["service"]["state"] == "SERVICE_STATE_DOWN"
        assert down["service"]["openIncidents"] == 1
        assert down["stateReason"] == "1 of 1 check is down: home"
        assert down["stateTime"] == failing[0]["slotTime"]
        assert "uptime" not in down["service"] or down["service"]["uptime"] is None

        assert team.client.delete(f"/services/{shop}").status_code == 200
        gone = next_change(events)["gone"]
        assert gone["serviceId"] == shop

    with closing(watched(team, cursor=gone["cursor"])) as events:
        again = read_until_complete(events)
        assert [list(event) for event in again] == [["heartbeat"], ["complete"]]
        assert again[-1]["complete"]["forgetOthers"] is False
    made = team.service("New")
    assert team.client.delete(f"/services/{other}").status_code == 200
    with closing(watched(team, cursor=latest_cursor(again))) as events:
        resumed = read_until_complete(events)
    assert [event["service"]["service"]["id"] for event in resumed if "service" in event] == [made]
    assert resumed[-1]["complete"]["forgetOthers"] is True
    assert resumed[-1]["complete"]["serviceIds"] == [made]


def test_it_is_the_same_as_grpc_and_shows_what_the_list_shows(stack: Stack, team: Team, other_team: Team) -> None:
    for name in ("Shop", "Mail"):
        team.post("/services", name=name, labels={"team": name.lower()})
    other_team.service("Theirs")
    listed = team.client.get("/services").json()["services"]
    with grpc_channel(stack) as channel:
        stub = MonitorServiceStub(channel)
        request = monitor_service_pb2.WatchServicesRequest(labels=["team"])
        stream: Any = stub.WatchServices(request, metadata=team.metadata, timeout=PATIENCE_S)
        shown = []
        for event in stream:
            if event.HasField("service"):
                shown.append(event.service.service)
            if event.HasField("complete"):
                break
        for service in listed:
            service.pop("uptime")
        assert shown == [json_format.ParseDict(service, service_pb2.Service()) for service in listed]

        team.post("/services", name="Till", labels={"team": "till"})
        till = next(event.service for event in stream if event.HasField("service"))
        assert till.service.name == "Till"
        stream.cancel()

        request = monitor_service_pb2.WatchServicesRequest(labels=["team=mail"], cursor=till.cursor)
        with pytest.raises(grpc.RpcError) as refused:
            next(stub.WatchServices(request, metadata=team.metadata, timeout=PATIENCE_S))
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT  # the cursor is of another filter


def test_a_browser_gets_events(team: Team) -> None:
    team.service("Shop")
    headers = {"accept": "text/event-stream"}
    for path in ("/services:watch", "/v1/services:watch"):
        with team.client.stream("GET", path, headers=headers) as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            lines = (line for line in answer.iter_lines() if line)
            first = [next(lines) for _ in range(3)]
        assert all(line.startswith("data: ") for line in first)
        assert list(json.loads(first[1].removeprefix("data: "))) == ["service"]


def test_what_cannot_be_asked_is_refused_by_name(stack: Stack, team: Team, other_team: Team) -> None:
    with closing(watched(team)) as events:
        cursor = latest_cursor(read_until_complete(events))

    def asked(client: httpx.Client, **query: str) -> httpx.Response:
        return client.get("/services:watch", params=query)

    for client, query in ((team.client, {"cursor": "x"}), (other_team.client, {"cursor": cursor})):
        answer = asked(client, **query)
        assert (answer.status_code, reason(answer), fields(answer)) == (400, "CURSOR_INVALID", ["cursor"])
    answer = asked(team.client, labels="Not A Label")
    assert (answer.status_code, reason(answer), fields(answer)) == (400, "FIELD_INVALID", ["labels[0]"])
    with stack.rest() as nobody:
        assert asked(nobody).status_code == 401


def test_a_stream_of_a_session_that_ends_says_so(stack: Stack, team: Team) -> None:
    person = team.person("viewer")
    with stack.rest() as client:
        client.headers.update(bearer(person.token))
        with client.stream("GET", "/services:watch") as answer:
            events = (json.loads(line) for line in answer.iter_lines())
            read_until_complete(events)
            with stack.rest() as same:
                assert same.post("/auth/logout", headers=bearer(person.token), json={}).status_code == 200
            end = next_change(events)["end"]
    assert end["reason"] == "STREAM_END_REASON_SESSION_ENDED"
    assert end["cursor"]
