"""The parts of Envoy's listener that depend on settings: its addresses, TLS, and the proxies that it trusts."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.platform.security.origin import Network

_EXTENSIONS = "type.googleapis.com/envoy.extensions"
_MAPPED_BITS = 96
SECRET = "door"  # noqa: S105 — the name of a secret, not a secret
"""The name of the certificate in the file that Envoy reads."""


def socket_address(address: str, port: int) -> dict[str, Any]:
    """Return an address to listen on. `::` accepts IPv6 only, so that no IPv4 client has an IPv4-mapped address."""
    return {"socket_address": {"address": address, "port_value": port}}


def reachable(address: str) -> str:
    """Return the address at which this machine reaches an address that Envoy listens on."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 — a comparison, nothing is bound


def client_detection(proxies: Sequence[Network]) -> list[dict[str, Any]]:
    """Return the extension that determines a client's address; empty without trusted proxies.

    If the peer is a trusted proxy, the client is the last address of X-Forwarded-For that is in none of the networks.
    If that entry is not a valid address, the client is the peer, so that an invalid header is never used as an address.
    """
    if not proxies:
        return []
    return [
        {
            "name": "envoy.http.original_ip_detection.xff",
            "typed_config": {
                "@type": f"{_EXTENSIONS}.http.original_ip_detection.xff.v3.XffConfig",
                "xff_trusted_cidrs": {"cidrs": [_cidr(each) for network in proxies for each in _spellings(network)]},
                "skip_xff_append": True,  # request_headers_to_add of a route sets the header
            },
        }
    ]


def transport_socket(secret: Path | None) -> dict[str, Any] | None:
    """Return the TLS configuration with a certificate file, which Envoy reloads on a change; None without a file."""
    if secret is None:
        return None
    source = {"path": str(secret), "watched_directory": {"path": str(secret.parent)}}
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": f"{_EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "alpn_protocols": ["h2", "http/1.1"],
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                "tls_certificate_sds_secret_configs": [
                    {"name": SECRET, "sds_config": {"path_config_source": source, "resource_api_version": "V3"}}
                ],
            },
        },
    }


def _spellings(network: Network) -> Sequence[Network]:
    """Return a network and its IPv4-mapped form (::ffff:…), which a proxy with a dual-stack socket uses."""
    if isinstance(network, ipaddress.IPv6Network):
        return (network,)
    mapped = f"::ffff:{network.network_address}/{_MAPPED_BITS + network.prefixlen}"
    return (network, ipaddress.IPv6Network(mapped))


def _cidr(network: Network) -> dict[str, Any]:
    return {"address_prefix": str(network.network_address), "prefix_len": network.prefixlen}
