"""The README's tour: register, add a service and a check, watch results arrive, read the status."""

import json
import subprocess
import sysconfig
from pathlib import Path

from tests.e2e.target import Target
from tests.support.stack import Stack, Team, until

GRPCURL = Path(sysconfig.get_path("scripts")) / "grpcurl"


def test_a_check_goes_up_down_and_up_again_and_the_status_tells_it(team: Team, target: Target) -> None:
    service = team.service("Shop")
    check = team.check(service, target.url)

    results = team.results(f"?checkId={check}")
    first = next(results)["result"]
    assert (first["outcome"], first["statusCode"], first["serviceId"]) == ("OUTCOME_UP", 200, service)
    assert set(first["phases"]) == {"dns", "connect", "ttfb", "transfer"}
    until(lambda: team.status(service)["state"] == "SERVICE_STATE_UP")

    target.stop()
    down = [next(results)["result"] for _ in range(2)]
    assert [result["outcome"] for result in down] == ["OUTCOME_DOWN"] * 2
    assert {result["errorKind"] for result in down} == {"ERROR_KIND_CONNECT_REFUSED"}
    until(lambda: team.status(service)["state"] == "SERVICE_STATE_DOWN")
    assert team.status(service)["checks"][0]["stateTime"] == down[0]["slotTime"]

    target.start()
    assert next(results)["result"]["outcome"] == "OUTCOME_UP"
    until(lambda: team.status(service)["state"] == "SERVICE_STATE_UP")
    results.close()

    status = team.status(service)
    assert [entry["window"] for entry in status["uptime"]] == ["24h", "7d", "30d", "90d", "365d"]
    for entry in status["uptime"]:
        assert 0 < entry["ratio"] < 1
        assert entry["successRatio"] == 0.5
        assert 0 < entry["coverage"] <= 1
    assert status["checks"][0]["lastResult"]["outcome"] == "OUTCOME_UP"

    (listed,) = team.client.get("/services").json()["services"]
    assert listed["uptime"]["window"] == "24h"
    assert 0 < listed["uptime"]["ratio"] < 1  # no hour of it is over: up to now

    overview = team.client.get("/overview").json()["overview"]
    assert overview["services"] == [{"state": "SERVICE_STATE_UP", "count": 1}]
    assert overview["workers"]["liveWorkers"] >= 1
    assert overview["workers"]["shardsHeld"] == overview["workers"]["shards"] == 256

    series = team.client.get(f"/services/{service}/uptime?window=24h&bucket=1h").json()
    assert series["overall"]["downSlots"] == "2"
    assert series["overall"]["latency"]["p50"].endswith("s")
    assert sum(int(bucket["upSlots"]) for bucket in series["buckets"]) == 2
    assert len(series["buckets"]) in {24, 25}
    empty = series["buckets"][0]
    assert "ratio" not in empty and "latency" not in empty and empty["up"] == "0s"  # noqa: PT018 — one thing: no data


def test_a_service_made_with_a_url_is_checked_every_minute(team: Team) -> None:
    made = team.client.post("/services", json={"name": "Shop", "url": "http://localhost:1/"}).json()["service"]

    (check,) = team.client.get(f"/services/{made['id']}/checks").json()["checks"]
    assert (check["http"]["url"], check["interval"], check["timeout"]) == ("http://localhost:1/", "60s", "10s")
    assert (check["failureThreshold"], check["recoveryThreshold"]) == (2, 1)


def test_grpcurl_lists_services_by_reflection_through_the_door(stack: Stack, team: Team) -> None:
    team.service("Shop")
    done = subprocess.run(
        [
            GRPCURL, "-plaintext", "-H", f"authorization: Bearer {team.tokens['accessToken']}",
            "-d", '{"page_size": 10}', stack.address, "sentinel.monitor.v1.MonitorService/ListServices",
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert [service["name"] for service in json.loads(done.stdout)["services"]] == ["Shop"]


def test_a_run_on_demand_shows_each_phase_then_the_result_and_moves_no_figure(team: Team, target: Target) -> None:
    service = team.service()
    check = team.check(service, target.url, interval="3600s")

    answer = team.client.post(f"/services/{service}/checks/{check}:run", json={})
    events = [json.loads(line) for line in answer.text.splitlines()]

    phases = [event["phase"]["phase"] for event in events if "phase" in event]
    assert phases == ["PHASE_DNS", "PHASE_CONNECT", "PHASE_TTFB", "PHASE_TRANSFER"]
    assert events[-2]["result"]["outcome"] == "OUTCOME_UP"
    assert events[-1]["end"]["reason"] == "STREAM_END_REASON_COMPLETE"
    status = team.status(service)
    assert (status["state"], status["checks"][0]["state"]) == ("SERVICE_STATE_UNKNOWN", "CHECK_STATE_UNKNOWN")
    assert all("ratio" not in entry for entry in status["uptime"])  # no data is absent, never 0 or 100


def test_each_route_is_also_under_v1(stack: Stack, team: Team) -> None:
    service = team.service()

    named, plain = (team.client.get(f"{prefix}/services/{service}").json()["service"] for prefix in ("/v1", ""))
    for each in (named, plain):
        assert each.pop("uptime")  # in the first hour it counts up to now
    assert named == plain
    assert team.client.get("/v1/healthz").status_code == 200
    assert team.client.get("/v1/auth/me").json()["tenant"]["slug"] == team.slug
