"""Render envoy/envoy.yaml: fill in addresses, routes, limits and the errors that Envoy itself returns.

JSON is valid YAML, so each variable part is filled in as JSON.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from cli.door.body_check import body_clusters, body_filters
from cli.door.contract import descriptor, rpcs
from cli.door.limits import AUTH_METHODS, HEARTBEAT_METHODS, Limit
from cli.door.listener import client_detection, socket_address, transport_socket
from cli.door.local_reply import lua, mappers
from cli.door.replies import (
    HARD_HEADERS,
    HARD_HEADERS_KIB,
    LARGEST_BODY_BYTES,
    LARGEST_HEADERS_KIB,
    MOST_HEADERS,
    WITH_BODY,
    replies,
)
from cli.door.routes import SERVICES, SUPERVISOR, routes
from services.platform.rest.body_check_server import HEADER
from services.platform.security.origin import Network

_TEMPLATE = Path(__file__).resolve().parent.parent.parent / "envoy" / "envoy.yaml"
_TRANSCODER = "type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"
_HTTP2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_MOST_REQUESTS = 20_000
_MOST_ASKING = 8
_FILTER_INDENT = " " * 18


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvoySettings:
    """The values that the configuration depends on.

    Attributes:
        addresses: the IP addresses to listen on.
        port: the port to listen on.
        proxies: the networks of proxies that are trusted to report the client's address.
        certificate: the file with the TLS certificate; None to serve without TLS.
        run_dir: the directory of Envoy's admin socket and of the descriptor that it loads.
        auth: the Unix socket of the auth process.
        monitor: the Unix socket of the monitor process.
        workers: the Unix sockets of the worker processes.
        supervisor: the loopback port on which the supervisor serves /readyz.
        most_connections: the maximum number of client connections.
        limit_per_minute: the rate limit of each limited method for one client address, in calls per minute.
        limit_burst: the burst of that limit, in calls.
        heartbeat_limit_per_minute: the rate limit of heartbeat signals for one client address, in calls per minute.
        heartbeat_limit_burst: the burst of that limit, in calls.
        json_logs: whether logs are JSON.
    """

    addresses: tuple[str, ...]
    port: int
    proxies: tuple[Network, ...]
    certificate: Path | None
    run_dir: Path
    auth: Path
    monitor: Path
    workers: tuple[Path, ...]
    supervisor: int
    most_connections: int
    limit_per_minute: int
    limit_burst: int
    heartbeat_limit_per_minute: int
    heartbeat_limit_burst: int
    json_logs: bool


def write(settings: EnvoySettings) -> Path:
    """Write the configuration and the descriptor into run_dir; return the path of the configuration."""
    _descriptor(settings).write_bytes(descriptor().SerializeToString(deterministic=True))
    config = settings.run_dir / "envoy.yaml"
    config.touch(mode=0o600)
    config.write_text(render(settings))
    return config


def render(settings: EnvoySettings) -> str:
    """Return Envoy's configuration in YAML."""
    limits = [
        *(Limit(path, settings.limit_per_minute, settings.limit_burst) for path in AUTH_METHODS),
        *(
            Limit(path, settings.heartbeat_limit_per_minute, settings.heartbeat_limit_burst)
            for path in HEARTBEAT_METHODS
        ),
    ]
    own = replies([limit.reply for limit in limits])
    address, *additional = (socket_address(each, settings.port) for each in settings.addresses)
    return Template(_TEMPLATE.read_text()).substitute(
        address=json.dumps(address),
        additional_addresses=json.dumps([{"address": each} for each in additional]),
        transport_socket=json.dumps(transport_socket(settings.certificate)),
        use_remote_address=json.dumps(not settings.proxies),
        client_detection=json.dumps(client_detection(settings.proxies)),
        run_dir=settings.run_dir,
        hard_headers_kib=HARD_HEADERS_KIB,
        hard_headers=HARD_HEADERS,
        most_connections=settings.most_connections,
        headers_too_large=json.dumps(_headers_too_large()),
        methods=", ".join(sorted({method for rpc in rpcs() for method, _ in rpc.bindings})),
        largest_body=LARGEST_BODY_BYTES,
        bodiless=json.dumps([{"header": matcher} for matcher in WITH_BODY]),
        body_header=HEADER,
        body_checks="".join(f"- {json.dumps(each)}\n{_FILTER_INDENT}" for each in body_filters()).rstrip(),
        local_replies=json.dumps(mappers(own)),
        lua=json.dumps(lua(own)),
        transcoder=json.dumps(_transcoder(settings, sse=False)),
        transcoder_of_events=json.dumps(_transcoder(settings, sse=True)),
        routes=json.dumps(routes(limits)),
        access_log_format=json.dumps(_access_log_format(json_logs=settings.json_logs)),
        clusters=json.dumps(
            [
                _cluster("auth", settings.auth),
                _cluster("monitor", settings.monitor),
                _cluster("worker", *settings.workers),
                _supervisor(settings.supervisor),
                *body_clusters({"auth": [settings.auth], "monitor": [settings.monitor], "worker": settings.workers}),
            ]
        ),
    )


def _descriptor(settings: EnvoySettings) -> Path:
    return settings.run_dir / "door.binpb"


def _headers_too_large() -> dict[str, Any]:
    """Return `request.total_size > … || size(request.headers) > …` as CEL's syntax tree."""

    def attribute(name: str) -> dict[str, Any]:
        return {"select_expr": {"operand": {"ident_expr": {"name": "request"}}, "field": name}}

    def call(function: str, *arguments: dict[str, Any]) -> dict[str, Any]:
        return {"call_expr": {"function": function, "args": list(arguments)}}

    def more(value: dict[str, Any], limit: int) -> dict[str, Any]:
        return call("_>_", value, {"const_expr": {"int64_value": limit}})

    return call(
        "_||_",
        more(attribute("total_size"), LARGEST_HEADERS_KIB * 1024),
        more(call("size", attribute("headers")), MOST_HEADERS),
    )


def _transcoder(settings: EnvoySettings, *, sse: bool) -> dict[str, Any]:
    delimited = "stream_sse_style_delimited" if sse else "stream_newline_delimited"
    return {
        "@type": _TRANSCODER,
        "proto_descriptor": str(_descriptor(settings)),
        "services": list(SERVICES),
        "convert_grpc_status": True,
        "ignore_unknown_query_parameters": True,  # the services refuse them, with an error that names the valid fields
        "print_options": {"always_print_primitive_fields": True, delimited: True},
        "request_validation_options": {
            "reject_unknown_method": True,
            "reject_binding_body_field_collisions": True,
        },
    }


def _access_log_format(*, json_logs: bool) -> dict[str, Any]:
    """Return the log format of Envoy's own replies, without the path, which may contain a token."""
    fields = {
        "event": "local reply",
        "method": "%REQ(:METHOD):10%",
        "status": "%RESPONSE_CODE%",
        "grpc_status": "%GRPC_STATUS_NUMBER%",
        "flags": "%RESPONSE_FLAGS%",
        "why": "%RESPONSE_CODE_DETAILS%",
        "request_id": "%RESP(X-REQUEST-ID):64%",
    }
    if json_logs:
        return {"json_format": {"timestamp": "%START_TIME%", "level": "warning", "logger": "door", **fields}}
    line = " ".join(f"{name}={value}" for name, value in fields.items() if name != "event")
    return {"text_format_source": {"inline_string": f"%START_TIME% [warning] {fields['event']} {line}\n"}}


def _supervisor(port: int) -> dict[str, Any]:
    return {
        "name": SUPERVISOR,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {
            "cluster_name": SUPERVISOR,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": socket_address("127.0.0.1", port)}}]}],
        },
        "circuit_breakers": {"thresholds": [{"max_connections": _MOST_ASKING, "max_requests": _MOST_ASKING}]},
    }


def _cluster(name: str, *sockets: Path) -> dict[str, Any]:
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        "typed_extension_protocol_options": {
            _HTTP2: {
                "@type": f"type.googleapis.com/{_HTTP2}",
                "explicit_http_config": {
                    # A hung process does not acknowledge pings: its connection is closed, so calls and streams end.
                    "http2_protocol_options": {"connection_keepalive": {"interval": "10s", "timeout": "5s"}}
                },
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(socket)}}}} for socket in sockets]}
            ],
        },
        # no_traffic_interval, or a dead process that gets no traffic goes unnoticed for a minute. It refuses
        # connections, which the next check sees; one that is only slow has as long to answer as for a ping.
        "health_checks": [
            {
                "timeout": "5s",
                "interval": "1s",
                "no_traffic_interval": "0.1s",
                "no_traffic_healthy_interval": "1s",
                "unhealthy_interval": "0.1s",
                "initial_jitter": "0.05s",
                "unhealthy_threshold": 1,
                "healthy_threshold": 1,
                "grpc_health_check": {},
            }
        ],
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        # Each open stream is a request; by default Envoy refuses the 1,025th.
        "circuit_breakers": {"thresholds": [{"max_requests": _MOST_REQUESTS}]},
    }
