"""What `up` needs to know. cli/settings.py reads it from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.platform.security.origin import Network
from services.platform.security.registration import RegistrationMode


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificate of the door is.

    Attributes:
        certificate: PEM: the certificate of the door, then those of the authorities between it and the root.
        key: PEM: the private key, without a passphrase.
    """

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """What `up` needs to know.

    Attributes:
        http_port: the port that Envoy listens on.
        listen_addresses: the IP addresses that it listens on.
        tls: the certificate of the door and its key; None serves without TLS.
        data_dir: the folder for all that must outlive a restart.
        database_url: an existing database; None runs the embedded one.
        workers: how many worker processes.
        egress_allow: networks that checks may reach besides public addresses, as the setting has them.
        egress_deny: networks that checks may not reach, in the same way.
        egress_translation_prefixes: prefixes of addresses that are translated to IPv4, in the same way.
        canaries: addresses, as address:port, that answer unless this machine is cut off.
        dns_servers: name servers that workers ask instead of the system's, separated by commas.
        fast_tls: whether workers try rustls before OpenSSL, where the package rtls is installed.
        log_level: the least level that is logged.
        log_format: console or json.
        limit_per_minute: calls a minute that one address may make of register, login and the like, each.
        limit_burst: how many of them at once.
        heartbeat_limit_per_minute: signals of jobs a minute that one address may send.
        heartbeat_limit_burst: how many of them at once.
        registration: who may register a tenant.
        trusted_proxies: networks of proxies that are believed about a client's address.
        quota_services: how many services a tenant may have.
        quota_checks: how many checks a tenant may have.
        retention_raw_days: how many days results are kept.
        retention_hourly_days: how many days the figures of single hours are kept.
        retention_on_demand_days: how many days results of runs on demand are kept.
        lease_ttl_s: how long a worker holds its shards without renewing its leases.
        secrets_keys: what secrets of checks are encrypted with; none leaves what the data folder has.
    """

    http_port: int
    listen_addresses: tuple[str, ...]
    tls: TlsFiles | None
    data_dir: Path
    database_url: str | None
    workers: int
    egress_allow: str
    egress_deny: str
    egress_translation_prefixes: str
    canaries: str
    dns_servers: str
    fast_tls: bool
    log_level: str
    log_format: str
    limit_per_minute: int
    limit_burst: int
    heartbeat_limit_per_minute: int
    heartbeat_limit_burst: int
    registration: RegistrationMode
    trusted_proxies: tuple[Network, ...]
    quota_services: int
    quota_checks: int
    retention_raw_days: int
    retention_hourly_days: int
    retention_on_demand_days: int
    lease_ttl_s: int
    secrets_keys: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "StackSettings":
        """Read the environment.

        Raises:
            SettingError: one of them has no meaning.
        """
        from cli.settings import read_settings  # noqa: PLC0415 — it imports much

        return read_settings(environment)
