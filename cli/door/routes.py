"""Envoy's routes, derived from the contract.

A REST call is routed twice: by its own path, where the guards and the settings of the transcoder apply, and after
transcoding by the path of the RPC, which gRPC and gRPC-Web calls have, too.
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
# Envoy counts milliseconds; a longer deadline counts as none.
_LONGEST_DEADLINE = "3600000s"
_TRANSCODER = "envoy.filters.http.grpc_json_transcoder"
_BUFFER = "envoy.filters.http.buffer"
_RATE_LIMIT = "envoy.filters.http.local_ratelimit"
_EVENT_STREAM = {"name": "accept", "string_match": {"contains": "text/event-stream"}}
_HEAD = {"name": ":method", "string_match": {"exact": "HEAD"}}
_READS = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}
_READS_AND_DELETES = {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|DELETE|OPTIONS"}}}
# The rate limit before the body check. The other one is after transcoding, and counts gRPC calls, too.
RATE_LIMIT_OF_REST = "sentinel.rate_limit_of_rest"
# A filter that is enabled except for heartbeat signals; see envoy.yaml.
BODILESS = "sentinel.bodiless"
# A filter that is disabled except for requests that accept server-sent events; see envoy.yaml.
TRANSCODER_OF_EVENTS = "sentinel.transcoder_of_events"
# A filter that is disabled except for HEAD; see envoy.yaml.
WITHOUT_BODY = "sentinel.without_body"
# Filters that are disabled except for heartbeat signals; see envoy.yaml.
PATH_ALONE = "sentinel.path_alone"
DROP_BODY = "sentinel.drop_body"
# The characters of tokens and results, and all others that are not percent-encoded.
_PLAIN = "[^/:%?#]+"
_ANY = "[^/:]+"
ON = {
    "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
    "config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute", "filter_context": {}},
}
# Without this response header nginx and its derivatives buffer a stream.
_UNBUFFERED = ({"header": {"key": "x-accel-buffering", "value": "no"}},)
# Enables a filter that has no per-route configuration.
_ON = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {}}
_OFF = {"@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": True}


def routes(limits: Sequence[Limit]) -> list[dict[str, Any]]:
    """Return all routes, in order; Envoy uses the first that matches.

    Args:
        limits: the methods with a rate limit.
    """
    by_path = {limit.path: limit for limit in limits}
    return [
        # Before the guards, which also match queries.
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
        # Not an RPC, so that a process without a database or free file descriptors can still report that.
        *(_readyz(path) for path in ("/readyz", "/v1/readyz")),
        # Reflection calls are bidirectional streams, so they have no timeout.
        _to({"prefix": "/grpc.reflection."}, "monitor", _NEVER, {_BUFFER: _OFF}),
        # The rest are REST calls before transcoding, and gRPC calls of unknown services, which monitor refuses.
        *(
            _to({**path, "headers": [*accept, *headers]}, "monitor", _UNARY, {**transcoder, **filters})
            for accept, transcoder in (([_EVENT_STREAM], {_TRANSCODER: _OFF, TRANSCODER_OF_EVENTS: _ON}), ([], {}))
            for path, headers, filters in _rest([limit for limit in limits if limit.path in AUTH_METHODS])
        ),
    ]


def _signals(segment: str) -> list[dict[str, Any]]:
    """Return the routes of heartbeat signals.

    Args:
        segment: a regular expression for the token and for the result in the path.
    """
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
    """Return path, headers and filters of the REST routes, in order; Envoy uses the first that matches.

    The service of a request also checks its body, so the check is available whenever the service is. The last route
    matches every path, so every body has been checked before it reaches the transcoder.

    Args:
        limits: the methods with a rate limit, which applies before their bodies are checked.
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
