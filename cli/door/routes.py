"""The door's routes, derived from the contract.

A REST call is routed twice: by its own path, where settings of the transcoder and guards apply, and after transcoding
by the RPC's path, which also gRPC and gRPC-Web calls have.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli.door.body_check import CHECKS
from cli.door.contract import path_regex, paths_of, paths_of_rpc, rpcs
from cli.door.limits import AUTH_METHODS, HEARTBEAT_METHODS, Limit
from cli.door.replies import GUARDS

_CLUSTERS = {
    "sentinel.auth.v1.AuthService": "auth",
    "sentinel.monitor.v1.MonitorService": "monitor",
    "sentinel.probe.v1.ProbeService": "worker",
}
SERVICES = tuple(_CLUSTERS)
SUPERVISOR = "supervisor"
_UNARY = "30s"
_READYZ = "10s"
_NEVER = "0s"
# Envoy counts in milliseconds; a deadline further away than this is none.
_LONGEST_DEADLINE = "3600000s"
_TRANSCODER = "envoy.filters.http.grpc_json_transcoder"
_BUFFER = "envoy.filters.http.buffer"
_RATE_LIMIT = "envoy.filters.http.local_ratelimit"
_EVENT_STREAM = {"name": "accept", "string_match": {"contains": "text/event-stream"}}
_HEAD = {"name": ":method", "string_match": {"exact": "HEAD"}}
_READS = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}
_READS_AND_DELETES = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|DELETE|OPTIONS"}}}
# Before bodies are checked. The other one is after transcoding, and counts native calls too.
RATE_LIMIT_OF_REST = "sentinel.rate_limit_of_rest"
# A filter that is on but for heartbeats, likewise.
BODILESS = "sentinel.bodiless"
# A filter that is off but where a client asks for server-sent events; see envoy.yaml.
TRANSCODER_OF_EVENTS = "sentinel.transcoder_of_events"
# A filter that is off but for HEAD; see envoy.yaml.
WITHOUT_BODY = "sentinel.without_body"
# Filters that are off but for signals of jobs; likewise.
PATH_ALONE = "sentinel.path_alone"
DROP_BODY = "sentinel.drop_body"
# What a token and a result are made of, and whatever else is read as it is written.
_PLAIN = "[^/:%?#]+"
_ANY = "[^/:]+"
ON = {
    "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
    "config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute", "filter_context": {}},
}
# nginx and what is built on it hold a stream back until a buffer is full, unless the answer says otherwise.
_UNBUFFERED = ({"header": {"key": "x-accel-buffering", "value": "no"}},)
# Switches a filter on that has no configuration of a route's own.
_ON = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}}
_OFF = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}


def routes(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    """Return the routes of some limited methods and of all others; the first that matches is taken."""
    by_path = {limit.path: limit for limit in limits}
    return [
        # Before the guards, which look at queries too.
        *_signals(_PLAIN),
        *(_guard(guard.matchers, guard.http_status) for guard in GUARDS),
        *_signals(_ANY),
        *(
            _to(
                {"path": rpc.path},
                _CLUSTERS[rpc.service],
                _NEVER if rpc.streams else _UNARY,
                {_RATE_LIMIT: by_path[rpc.path].filter()} if rpc.path in by_path else {},
                _UNBUFFERED if rpc.streams else (),
            )
            for rpc in rpcs()
            if rpc.streams or rpc.path in by_path
        ),
        *(_to({"prefix": f"/{service}/"}, cluster, _UNARY, {}) for service, cluster in _CLUSTERS.items()),
        # Not an RPC: a process that has too few file descriptors, or no database, still says so.
        *(_readyz(path) for path in ("/readyz", "/v1/readyz")),
        # Its calls stay open in both directions.
        _to({"prefix": "/grpc.reflection."}, "monitor", _NEVER, {_BUFFER: _OFF}),
        # What remains is REST before it is transcoded, and gRPC calls of unknown services, which monitor refuses.
        *(
            _to({**path, "headers": [*accept, *headers]}, "monitor", _UNARY, {**transcoder, **filters})
            for accept, transcoder in (([_EVENT_STREAM], {_TRANSCODER: _OFF, TRANSCODER_OF_EVENTS: _ON}), ([], {}))
            for path, headers, filters in _rest([limit for limit in limits if limit.path in AUTH_METHODS])
        ),
    ]


def _signals(segment: str) -> list[dict[str, Any]]:
    """Return the routes of signals of jobs whose token and result are made of some characters."""
    templates = {template for rpc in rpcs() if rpc.path in HEARTBEAT_METHODS for _, template in rpc.bindings}
    # The transcoder takes slashes at the end of a path.
    regex = f"(?:{'|'.join(sorted(path_regex(each, segment) for each in templates))})/*"
    return [
        _to(
            {"safe_regex": {"regex": regex}, "headers": method},
            "worker",
            _UNARY,
            {PATH_ALONE: ON, DROP_BODY: ON, BODILESS: _OFF, **head},
        )
        for method, head in (([_HEAD], {WITHOUT_BODY: ON}), ([], {}))
    ]


def _rest(
    limits: Sequence[Limit],
) -> Iterator[tuple[dict[str, Any], list[Mapping[str, Any]], dict[str, Any]]]:
    """Return path, headers and filters of the routes of REST; the first that matches is taken.

    The body is checked by the service that the request is for: the check is there as long as the service is. The last
    route takes every path, so a body that gets to the transcoder has been checked, whatever its path looks like.

    Args:
        limits: of methods whose calls over the limit are not worth a check.
    """
    anywhere: dict[str, Any] = {"prefix": "/"}
    checks: list[tuple[dict[str, Any], Mapping[str, Any]]] = [
        *(
            ({"safe_regex": {"regex": paths_of({service})}}, CHECKS[cluster])
            for service, cluster in _CLUSTERS.items()
            if cluster != "monitor"
        ),
        (anywhere, CHECKS["monitor"]),
    ]
    yield anywhere, [_HEAD], {WITHOUT_BODY: ON}
    yield anywhere, [_READS_AND_DELETES], {}
    for limit in limits:
        paths = {"safe_regex": {"regex": paths_of_rpc(limit.path)}}
        yield paths, [], {RATE_LIMIT_OF_REST: limit.filter(), **CHECKS["auth"]}
    for path, check in checks:
        yield path, [], dict(check)


def _readyz(path: str) -> dict[str, Any]:
    route = _to({"path": path, "headers": [_READS]}, SUPERVISOR, _READYZ, {_TRANSCODER: _OFF})
    return {**route, "route": {**route["route"], "prefix_rewrite": "/readyz"}}


def _guard(matchers: Sequence[Mapping[str, Any]], http_status: int) -> dict[str, Any]:
    return {
        "match": {"prefix": "/", "headers": list(matchers)},
        "direct_response": {"status": http_status},
        "typed_per_filter_config": {_TRANSCODER: _OFF, _BUFFER: _OFF},
    }


def _to(
    match: Mapping[str, Any],
    cluster: str,
    timeout: str,
    filters: Mapping[str, Any],
    headers: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    return {
        "match": dict(match),
        "route": {
            "cluster": cluster,
            "timeout": timeout,
            "max_stream_duration": {"grpc_timeout_header_max": _LONGEST_DEADLINE},
        },
        "typed_per_filter_config": dict(filters),
        "response_headers_to_add": list(headers),
    }
