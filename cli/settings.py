"""The stack's settings: read once from the environment, checked, then frozen. docs/settings.md lists them all."""

import ipaddress
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from services.common import egress
from services.common.origin import Network
from services.common.registration import RegistrationMode
from services.common.settings import (
    SettingError,
    auth_limit_burst,
    auth_limit_per_minute,
    database_url,
    decided_registration,
    dns_servers,
    egress_policy,
    fast_tls,
    heartbeat_limit_burst,
    heartbeat_limit_per_minute,
    lease_ttl_s,
    log_format,
    log_level,
    number,
    quota_checks,
    quota_services,
    registration,
    retention_hourly_days,
    retention_on_demand_days,
    retention_raw_days,
    secrets_keys,
    trusted_proxies,
)
from services.worker.guard import Canary

_HIGHEST_PORT = 65_535
_TLS_CERT, _TLS_KEY = "SENTINEL_TLS_CERT", "SENTINEL_TLS_KEY"


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
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the environment.

        Raises:
            SettingError: one of them has no meaning.
        """
        own = environment.get("SENTINEL_DATABASE_URL")
        listening = _listen_addresses(environment)
        egress_policy(environment)  # the services read it; here it is only found out whether they can
        return cls(
            http_port=number(environment, "SENTINEL_HTTP_PORT", 8080, 1, _HIGHEST_PORT),
            listen_addresses=listening,
            tls=_tls(environment),
            data_dir=_folder(environment, "SENTINEL_DATA_DIR", ".sentinel"),
            database_url=database_url(environment) if own else None,
            workers=number(environment, "SENTINEL_WORKERS", 1, 1, 64),
            egress_allow=environment.get(egress.ALLOW, ""),
            egress_deny=environment.get(egress.DENY, ""),
            egress_translation_prefixes=environment.get(egress.TRANSLATION_PREFIXES, ""),
            canaries=_readable(environment, "SENTINEL_CANARIES", Canary.parse),
            dns_servers=",".join(dns_servers(environment)),
            fast_tls=fast_tls(environment),
            log_level=log_level(environment),
            log_format=log_format(environment),
            limit_per_minute=auth_limit_per_minute(environment),
            limit_burst=auth_limit_burst(environment),
            heartbeat_limit_per_minute=heartbeat_limit_per_minute(environment),
            heartbeat_limit_burst=heartbeat_limit_burst(environment),
            registration=decided_registration(registration(environment), listening),
            trusted_proxies=trusted_proxies(environment),
            quota_services=quota_services(environment),
            quota_checks=quota_checks(environment),
            retention_raw_days=retention_raw_days(environment),
            retention_hourly_days=retention_hourly_days(environment),
            retention_on_demand_days=retention_on_demand_days(environment),
            lease_ttl_s=lease_ttl_s(environment),
            secrets_keys=secrets_keys(environment),
        )


def _listen_addresses(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the addresses, each once and in its usual spelling; loopback by default.

    Raises:
        SettingError: naming the part that is no address.
    """
    name = "SENTINEL_LISTEN_ADDRESSES"
    parts = [part for part in map(str.strip, environment.get(name, "").split(",")) if part]
    if not parts:
        return ("127.0.0.1", "::1") if _has_ipv6() else ("127.0.0.1",)
    try:
        return tuple(dict.fromkeys(str(ipaddress.ip_address(part.strip("[]"))) for part in parts))
    except ValueError as error:
        raise SettingError(
            f"{name}: {error}; it must be a comma-separated list of IP addresses, such as 192.0.2.1, 0.0.0.0 "
            "(all IPv4) or :: (all IPv6)"
        ) from error


def _has_ipv6() -> bool:
    """Whether this machine has IPv6: some containers do not, not even on loopback."""
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True


def _tls(environment: Mapping[str, str]) -> TlsFiles | None:
    """Return where the certificate is; what the files hold is checked when the stack starts.

    Raises:
        SettingError: only one of the two is set.
    """
    found = [environment.get(name, "") for name in (_TLS_CERT, _TLS_KEY)]
    if not any(found):
        return None
    if not all(found):
        missing, other = (_TLS_CERT, _TLS_KEY) if not found[0] else (_TLS_KEY, _TLS_CERT)
        raise SettingError(f"{missing} is not set but {other} is; set both to serve TLS, or neither")
    # Not resolved: certbot and Kubernetes replace a certificate by pointing a symbolic link to another file.
    return TlsFiles(*(Path(text).expanduser().absolute() for text in found))


def _folder(environment: Mapping[str, str], name: str, default: str) -> Path:
    try:
        return Path(environment.get(name) or default).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise SettingError(f"{name}: {error}") from error


def _readable(environment: Mapping[str, str], name: str, read: Callable[[str], object]) -> str:
    """What a service is to read itself; here it is only found out whether it can."""
    text = environment.get(name, "")
    try:
        read(text)
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from error
    return text
