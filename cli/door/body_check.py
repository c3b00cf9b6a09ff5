"""The check of JSON bodies before the transcoder. Each service serves it on its own socket.

A route that is checked switches on the filter of its service; see services/platform/rest/body_check_server.py.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.door.replies import LARGEST_BODY_BYTES
from services.platform.rest.body_check_server import ASKED_HEADERS, HEADER, body_check_socket

_TYPE = "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3"
_CLUSTERS = ("auth", "monitor", "worker")
# The same as the timeout of health checks, after which a hung process gets no requests.
_TIMEOUT = "5s"
_MOST_REQUESTS = 20_000
CHECKS: Mapping[str, Mapping[str, Any]] = {
    name: {
        f"sentinel.body.{name}": {
            "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig",
            "config": {"@type": f"{_TYPE}.ExtAuthzPerRoute", "check_settings": {}},
        }
    }
    for name in _CLUSTERS
}
"""The filter configuration of a route whose bodies are checked, by the cluster of its service."""


def body_filters() -> list[dict[str, Any]]:
    """Return the filters, one for each service, all disabled by default."""
    return [
        {
            "name": f"sentinel.body.{name}",
            "disabled": True,
            "typed_config": {
                "@type": f"{_TYPE}.ExtAuthz",
                "transport_api_version": "V3",
                "stat_prefix": f"body_{name}",
                "http_service": {
                    "server_uri": {"uri": f"http://{name}", "cluster": _cluster(name), "timeout": _TIMEOUT},
                    "authorization_response": {
                        "allowed_upstream_headers": _exactly(HEADER),
                        "allowed_client_headers": _exactly("content-type"),
                    },
                },
                "allowed_headers": _exactly(*ASKED_HEADERS),
                "disallowed_headers": _exactly("authorization", "cookie"),
                "with_request_body": {"max_request_bytes": LARGEST_BODY_BYTES, "allow_partial_message": False},
                "failure_mode_allow": False,
                "status_on_error": {"code": "ServiceUnavailable"},
            },
        }
        for name in _CLUSTERS
    ]


def body_clusters(sockets: Mapping[str, Sequence[Path]]) -> list[dict[str, Any]]:
    """Return the clusters of the checks.

    Args:
        sockets: the gRPC sockets of the processes of each service, by name of the service.
    """
    return [_body_cluster(name, [body_check_socket(each) for each in sockets[name]]) for name in _CLUSTERS]


def _body_cluster(name: str, sockets: Sequence[Path]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": _cluster(name),
        "type": "STATIC",
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        "load_assignment": {
            "cluster_name": _cluster(name),
            "endpoints": [
                {"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": str(socket)}}}} for socket in sockets]}
            ],
        },
        "circuit_breakers": {"thresholds": [{"max_requests": _MOST_REQUESTS, "max_pending_requests": _MOST_REQUESTS}]},
    }
    if len(sockets) > 1:  # a single process has no other one to fail over to
        found["health_checks"] = [
            {
                "timeout": "5s",
                "interval": "1s",
                "no_traffic_interval": "1s",
                "initial_jitter": "0.05s",
                "unhealthy_threshold": 1,
                "healthy_threshold": 1,
                "http_health_check": {"path": "/"},
            }
        ]
    return found


def _cluster(name: str) -> str:
    return f"{name}-body"


def _exactly(*names: str) -> dict[str, Any]:
    return {"patterns": [{"exact": name} for name in names]}
