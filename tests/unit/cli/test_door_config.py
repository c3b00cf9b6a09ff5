"""No call hangs for ever: unary routes have a limit of time, connections to a process that stands still end."""

import re
from pathlib import Path

from cli.door.config import _cluster
from cli.door.contract import rpcs
from cli.door.routes import SERVICES, routes

_LONGEST_S = 30
_STREAMS_IDLE = re.compile(r"^ +stream_idle_timeout: (\d+)s", re.MULTILINE)


def _seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def test_each_unary_route_has_a_limit_of_time_and_only_streams_have_none() -> None:
    found = [route for route in routes([]) if "route" in route]
    endless = [route["match"] for route in found if _seconds(route["route"]["timeout"]) == 0]
    others = [_seconds(route["route"]["timeout"]) for route in found if route["match"] not in endless]

    assert [match.get("path") or match["prefix"] for match in endless] == [
        *(rpc.path for rpc in rpcs() if rpc.streams),
        "/grpc.reflection.",
    ]
    assert {f"/{service}/" for service in SERVICES} <= {route["match"].get("prefix") for route in found}
    assert others
    assert max(others) <= _LONGEST_S


def test_the_streams_of_a_process_that_stands_still_end() -> None:
    cluster = _cluster("worker", Path("/worker.sock"))
    (protocol,) = cluster["typed_extension_protocol_options"].values()
    pings = protocol["explicit_http_config"]["http2_protocol_options"]["connection_keepalive"]
    (idle,) = _STREAMS_IDLE.findall((Path(__file__).parents[3] / "envoy" / "envoy.yaml").read_text())

    assert _seconds(pings["interval"]) + _seconds(pings["timeout"]) <= _LONGEST_S
    assert 15 < int(idle) <= 60  # a living stream sends a heartbeat every 15 s


def test_streams_ask_proxies_not_to_buffer_them() -> None:
    header = {"header": {"key": "x-accel-buffering", "value": "no"}}
    found = {route["match"].get("path"): route["response_headers_to_add"] for route in routes([]) if "route" in route}

    assert {path for path, headers in found.items() if header in headers} == {rpc.path for rpc in rpcs() if rpc.streams}
