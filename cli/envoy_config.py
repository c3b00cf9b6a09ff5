"""Renders envoy/envoy.yaml: fills in addresses, limits, and the JSON that Envoy answers with for its own errors.

JSON is YAML, so each piece that depends on something is put in as JSON.
"""

import base64
import json
import math
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2, error_details_pb2, status_pb2

_ROOT = Path(__file__).resolve().parent.parent
_TEMPLATE = _ROOT / "envoy" / "envoy.yaml"
_DESCRIPTOR = _ROOT / "gen" / "sentinel.binpb"
_DOMAIN = "sentinel-stack"
_LIMITED = ("Register", "Login", "Refresh", "AcceptInvitation")
_TRANSCODER = "type.googleapis.com/envoy.extensions.filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder"
_RATE_LIMIT = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_BUFFER_PER_ROUTE = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3.BufferPerRoute"
_HTTP2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_LARGEST_BODY_BYTES = 1024 * 1024
_MOST_CLIENTS = 10_000
_MOST_REQUESTS = 20_000
_MINUTE_S = 60
_BAD_REQUEST = 400
_TOO_MANY_REQUESTS = 429
_RPC = "type.googleapis.com/google.rpc"

# What Envoy says by itself: HTTP status → canonical code, the contract's reason, and a sentence.
_OWN_ERRORS = {
    400: (code_pb2.INVALID_ARGUMENT, "REQUEST_MALFORMED", "the request is not what the route takes"),
    404: (code_pb2.NOT_FOUND, "ROUTE_UNKNOWN", "there is no such route"),
    405: (code_pb2.UNIMPLEMENTED, "ROUTE_UNKNOWN", "the route does not take this method"),
    408: (code_pb2.DEADLINE_EXCEEDED, "TEMPORARILY_UNAVAILABLE", "the request did not arrive in time"),
    413: (code_pb2.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "the request is larger than 1 MiB"),
    415: (code_pb2.INVALID_ARGUMENT, "REQUEST_MALFORMED", "the route takes JSON"),
    429: (code_pb2.RESOURCE_EXHAUSTED, "RATE_LIMITED", "too many calls from this address; try again later"),
    431: (code_pb2.RESOURCE_EXHAUSTED, "REQUEST_TOO_LARGE", "the request's headers are too large"),
    503: (code_pb2.UNAVAILABLE, "TEMPORARILY_UNAVAILABLE", "the service is unavailable for a moment; try again"),
    504: (code_pb2.UNAVAILABLE, "TEMPORARILY_UNAVAILABLE", "the service did not answer in time; try again"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvoySettings:
    """What the configuration depends on.

    Attributes:
        port: where the door listens.
        run_dir: a folder for Envoy's admin socket.
        auth: the auth process's Unix socket.
        monitor: the monitor process's.
        workers: the worker processes'.
        limit_per_minute: how many calls a minute one client address may make of each limited method.
        limit_burst: how many of them at once.
        heartbeat_limit_per_minute: how many signals of jobs a minute one client address may send.
        heartbeat_limit_burst: how many of them at once.
    """

    port: int
    run_dir: Path
    auth: Path
    monitor: Path
    workers: tuple[Path, ...]
    limit_per_minute: int
    limit_burst: int
    heartbeat_limit_per_minute: int
    heartbeat_limit_burst: int


def render(settings: EnvoySettings) -> str:
    """Envoy's configuration, as YAML."""
    return Template(_TEMPLATE.read_text()).substitute(
        port=settings.port,
        run_dir=settings.run_dir,
        local_replies=json.dumps([_local_reply(*entry) for entry in _own_errors(settings).items()]),
        transcoder=json.dumps(_transcoder(sse=False)),
        transcoder_sse=json.dumps(_transcoder(sse=True)),
        largest_body=_LARGEST_BODY_BYTES,
        native_grpc=json.dumps({"envoy.filters.http.buffer": {"@type": _BUFFER_PER_ROUTE, "disabled": True}}),
        limited="|".join(_LIMITED),
        rate_limit=json.dumps(_rate_limit("auth", settings.limit_per_minute, settings.limit_burst)),
        heartbeat_rate_limit=json.dumps(
            _rate_limit("heartbeat", settings.heartbeat_limit_per_minute, settings.heartbeat_limit_burst)
        ),
        clusters=json.dumps(
            [
                _cluster("auth", settings.auth),
                _cluster("monitor", settings.monitor),
                _cluster("worker", *settings.workers),
            ]
        ),
    )


def _transcoder(*, sse: bool) -> dict[str, Any]:
    delimited = "stream_sse_style_delimited" if sse else "stream_newline_delimited"
    return {
        "@type": _TRANSCODER,
        "proto_descriptor": str(_DESCRIPTOR),
        "services": [
            "sentinel.auth.v1.AuthService",
            "sentinel.monitor.v1.MonitorService",
            "sentinel.probe.v1.ProbeService",
        ],
        "convert_grpc_status": True,
        "print_options": {"always_print_primitive_fields": True, delimited: True},
        "request_validation_options": {
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
    }


def _own_errors(settings: EnvoySettings) -> dict[int, dict[str, Any]]:
    """What Envoy says by itself, as the JSON of a google.rpc.Status, by HTTP status."""
    replies: dict[int, dict[str, Any]] = {
        http_status: {
            "code": code,
            # What the transcoder found wrong with the request helps its author; it says nothing about us.
            "message": "%LOCAL_REPLY_BODY%" if http_status == _BAD_REQUEST else sentence,
            "details": [
                {"@type": f"{_RPC}.ErrorInfo", "reason": reason, "domain": _DOMAIN},
                {"@type": f"{_RPC}.RequestInfo", "requestId": "%REQ(X-REQUEST-ID)%"},
            ],
        }
        for http_status, (code, reason, sentence) in _OWN_ERRORS.items()
    }
    retry = {"@type": f"{_RPC}.RetryInfo", "retryDelay": f"{_refill_s(settings.limit_per_minute):.3f}s"}
    replies[_TOO_MANY_REQUESTS]["details"].append(retry)
    return replies


def _local_reply(http_status: int, body: dict[str, Any]) -> dict[str, Any]:
    """Envoy's own error as JSON, for REST; gRPC has its statuses elsewhere.

    Behind the transcoder a REST call looks like gRPC, but for the header that the transcoder leaves on it.
    """
    exactly = {"comparison": {"op": "EQ", "value": {"default_value": http_status, "runtime_key": "none"}}}
    not_grpc = {
        "name": "content-type",
        "string_match": {"prefix": "application/grpc"},
        "invert_match": True,
        "treat_missing_header_as_empty": True,
    }
    transcoded = {"name": "x-envoy-original-path", "present_match": True}
    rest = {"or_filter": {"filters": [{"header_filter": {"header": header}} for header in (not_grpc, transcoded)]}}
    return {
        "filter": {"and_filter": {"filters": [{"status_code_filter": exactly}, rest]}},
        "body_format_override": {"json_format": body},
    }


def _refill_s(per_minute: int) -> float:
    """How long one address waits for one or more further calls; Envoy fills no bucket more often than every 50 ms."""
    return max(0.05, _MINUTE_S / per_minute)


def _rate_limit(name: str, per_minute: int, burst: int) -> dict[str, Any]:
    seconds = _refill_s(per_minute)
    bucket = {
        "max_tokens": burst,
        "tokens_per_fill": math.ceil(per_minute * seconds / _MINUTE_S),
        "fill_interval": f"{seconds:.3f}s",
    }
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    retry_after = str(max(1, round(seconds)))
    return {
        "@type": _RATE_LIMIT,
        "stat_prefix": name,
        "filter_enabled": always,
        "filter_enforced": always,
        # Each address gets a bucket of its own; this one is for what has no address, which never happens.
        "token_bucket": bucket,
        "rate_limits": [{"actions": [{"remote_address": {}}]}],
        "descriptors": [{"entries": [{"key": "remote_address"}], "token_bucket": bucket}],
        "max_dynamic_descriptors": _MOST_CLIENTS,
        "rate_limited_as_resource_exhausted": True,
        "response_headers_to_add": [
            {"header": {"key": "retry-after", "value": retry_after}},
            # Details for gRPC clients; the transcoder makes the JSON body of them for REST.
            {"header": {"key": "grpc-status-details-bin", "value": _rate_limited(seconds)}},
        ],
    }


def _rate_limited(retry_s: float) -> str:
    """The status details of a call over the limit, as the header carries them."""
    delay = Duration()
    delay.FromNanoseconds(int(retry_s * 1e9))
    details = []
    for detail in (
        error_details_pb2.ErrorInfo(reason="RATE_LIMITED", domain=_DOMAIN),
        error_details_pb2.RetryInfo(retry_delay=delay),
    ):
        packed = AnyMessage()
        packed.Pack(detail)
        details.append(packed)
    status = status_pb2.Status(
        code=code_pb2.RESOURCE_EXHAUSTED, message="too many calls from this address", details=details
    )
    return base64.b64encode(status.SerializeToString()).rstrip(b"=").decode()


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
                    "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "5s"}}
                },
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(socket)}}}} for socket in sockets]}
            ],
        },
        # no_traffic_interval, or a dead process that gets no traffic goes unnoticed for a minute.
        "health_checks": [
            {
                "timeout": "1s",
                "interval": "1s",
                "no_traffic_interval": "1s",
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
