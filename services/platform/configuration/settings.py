"""Settings: read once from the environment, checked, then frozen.

A wrong one stops the start with a sentence that says which and why. docs/settings.md lists them all.
"""

import ipaddress
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from services.platform.address import Address
from services.platform.configuration.setting_names import SECRETS_KEY, is_address_of_kubernetes
from services.platform.egress import policy as egress
from services.platform.egress.own_addresses import OwnAddresses
from services.platform.egress.policy import EgressPolicy
from services.platform.security import key_text
from services.platform.security.origin import Network, parse_networks
from services.platform.security.registration import SETTING as REGISTRATION
from services.platform.security.registration import RegistrationMode, refusal_of_silence

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("console", "json")
_MOST_DIGITS = 9
_DNS_PORT = 53
_HIGHEST_PORT = 65_535
_MOST_ATTEMPTS = 100_000
_MOST_SIGNALS = 1_000_000
_MOST_OF_A_TENANT = 1_000_000
# Results hold for up to two days; windows up to 30 days begin with any hour.
_LEAST_RAW_DAYS = 7
_LEAST_HOURLY_DAYS = 35
_MOST_DAYS = 36_500
_LEAST_TTL_S = 3
_MOST_TTL_S = 60


class SettingError(Exception):
    """A setting is missing or wrong; the message is the sentence to print."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What every service needs to know.

    Attributes:
        database_url: postgresql://… of the one database.
        listen: the gRPC address to serve on: unix:<path> or <host>:<port>.
        data_dir: the folder for what must outlive a restart and is not in the database: signing keys.
        log_level: the least level that is logged.
        log_format: console for people, json for machines.
        egress: which addresses checks may reach.
        canaries: addresses, as address:port, that answer unless this machine is cut off.
        dns_servers: name servers that the worker asks instead of the system's, each host:port.
        fast_tls: whether workers try rustls before OpenSSL, where the package rtls is installed.
        registration: who may register a tenant; None when nobody has said.
        trusted_proxies: networks whose word on a client's address is believed, besides whoever is on our Unix socket.
        limit_per_minute: how many calls a minute one client address may make of each limited method.
        limit_burst: how many of them at once.
        quota_services: how many services a tenant may have.
        quota_checks: how many checks a tenant may have.
        retention_raw_days: how many days results are kept.
        retention_hourly_days: how many days the figures of single hours are kept.
        retention_on_demand_days: how many days results of runs on demand are kept.
        lease_ttl_s: how long a worker holds its shards without renewing its leases.
        metrics_listen: where to serve /metrics over HTTP; None for nowhere.
        secrets_keys: what secrets of checks are encrypted with, the one for new ones first; none leaves what the data
            folder has.
    """

    database_url: str
    listen: str
    data_dir: Path
    log_level: str
    log_format: str
    egress: EgressPolicy
    canaries: str
    dns_servers: tuple[str, ...]
    fast_tls: bool
    registration: RegistrationMode | None
    trusted_proxies: tuple[Network, ...]
    limit_per_minute: int
    limit_burst: int
    quota_services: int
    quota_checks: int
    retention_raw_days: int
    retention_hourly_days: int
    retention_on_demand_days: int
    lease_ttl_s: int
    metrics_listen: Address | None
    secrets_keys: tuple[bytes, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the environment.

        Raises:
            SettingError: something required is missing, or has no meaning.
        """
        return cls(
            database_url=database_url(environment),
            listen=_required(
                environment, "SENTINEL_LISTEN", "an address such as 127.0.0.1:5001 or unix:/run/auth.sock"
            ),
            data_dir=Path(environment.get("SENTINEL_DATA_DIR", ".sentinel")),
            log_level=log_level(environment),
            log_format=log_format(environment),
            egress=egress_policy(environment),
            canaries=environment.get("SENTINEL_CANARIES", ""),
            dns_servers=dns_servers(environment),
            fast_tls=fast_tls(environment),
            registration=registration(environment),
            trusted_proxies=trusted_proxies(environment),
            limit_per_minute=auth_limit_per_minute(environment),
            limit_burst=auth_limit_burst(environment),
            quota_services=quota_services(environment),
            quota_checks=quota_checks(environment),
            retention_raw_days=retention_raw_days(environment),
            retention_hourly_days=retention_hourly_days(environment),
            retention_on_demand_days=retention_on_demand_days(environment),
            lease_ttl_s=lease_ttl_s(environment),
            metrics_listen=_metrics_listen(environment),
            secrets_keys=secrets_keys(environment),
        )


def log_level(environment: Mapping[str, str]) -> str:
    """The least level that is logged."""
    return _one_of(environment, "SENTINEL_LOG_LEVEL", LOG_LEVELS, "info")


def log_format(environment: Mapping[str, str]) -> str:
    """Console for people, json for machines."""
    return _one_of(environment, "SENTINEL_LOG_FORMAT", LOG_FORMATS, "console")


def database_url(environment: Mapping[str, str] = os.environ) -> str:
    """Where the one database is."""
    url = _required(environment, "SENTINEL_DATABASE_URL", "a URL such as postgresql://user:password@host/sentinel")
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingError("SENTINEL_DATABASE_URL must begin with postgresql://")
    return url


def registration(environment: Mapping[str, str]) -> RegistrationMode | None:
    """Who may register a tenant; None when nobody has said."""
    modes = tuple(mode.value for mode in RegistrationMode)
    return RegistrationMode(_one_of(environment, REGISTRATION, modes, "")) if environment.get(REGISTRATION) else None


def decided_registration(mode: RegistrationMode | None, addresses: Iterable[str]) -> RegistrationMode:
    """Who may register a tenant, where the installation listens on these addresses: anybody, unless somebody has said.

    Raises:
        SettingError: nobody has said, and strangers could register.
    """
    refusal = refusal_of_silence(addresses, mode)
    if refusal is not None:
        raise SettingError(refusal)
    return mode or RegistrationMode.OPEN


def trusted_proxies(environment: Mapping[str, str]) -> tuple[Network, ...]:
    """Networks whose word on a client's address is believed."""
    try:
        return parse_networks(environment.get("SENTINEL_TRUSTED_PROXIES", ""))
    except ValueError as error:
        raise SettingError(f"SENTINEL_TRUSTED_PROXIES: {error}") from error


def egress_policy(environment: Mapping[str, str]) -> EgressPolicy:
    """Which addresses checks may reach; those of this machine are read when the policy is asked.

    Raises:
        SettingError: naming the part that has no meaning.
    """
    try:
        return EgressPolicy.parse(
            environment.get(egress.ALLOW, ""),
            environment.get(egress.DENY, ""),
            environment.get(egress.TRANSLATION_PREFIXES, ""),
            OwnAddresses(),
        )
    except ValueError as error:
        raise SettingError(str(error)) from error


def dns_servers(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Name servers that the worker asks instead of the system's, each host:port or [host]:port; none leaves those.

    Raises:
        SettingError: naming the part that is no address.
    """
    name = "SENTINEL_DNS_SERVERS"
    return tuple(_address(name, part) for part in map(str.strip, environment.get(name, "").split(",")) if part)


def _address(setting: str, text: str) -> str:
    """An address with a port, 53 unless it says another."""
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port or (":" in host and not host.startswith("[")):
        host, port = text, str(_DNS_PORT)
    try:
        ip = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError as error:
        raise SettingError(f"{setting}: {text!r} is not an address such as 192.0.2.1 or [2001:db8::1]:53") from error
    if not (port.isascii() and port.isdigit() and 0 < int(port[:_MOST_DIGITS]) <= _HIGHEST_PORT):
        raise SettingError(f"{setting}: {text!r} has no port from 1 to {_HIGHEST_PORT}")
    return f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}"  # noqa: PLR2004 — IPv6 stands in brackets


def fast_tls(environment: Mapping[str, str]) -> bool:
    """Whether workers try rustls before OpenSSL, where the package rtls is installed."""
    return _one_of(environment, "SENTINEL_FAST_TLS", ("on", "off"), "on") == "on"


def auth_limit_per_minute(environment: Mapping[str, str]) -> int:
    """How many calls a minute one client address may make of each limited method."""
    return number(environment, "SENTINEL_AUTH_LIMIT_PER_MINUTE", 60, 1, _MOST_ATTEMPTS)


def auth_limit_burst(environment: Mapping[str, str]) -> int:
    """How many of them at once."""
    return number(environment, "SENTINEL_AUTH_LIMIT_BURST", 30, 1, _MOST_ATTEMPTS)


def heartbeat_limit_per_minute(environment: Mapping[str, str]) -> int:
    """How many signals of jobs a minute one client address may send: a whole office or cluster may share one."""
    return number(environment, "SENTINEL_HEARTBEAT_LIMIT_PER_MINUTE", 6_000, 1, _MOST_SIGNALS)


def heartbeat_limit_burst(environment: Mapping[str, str]) -> int:
    """How many of them at once."""
    return number(environment, "SENTINEL_HEARTBEAT_LIMIT_BURST", 1_000, 1, _MOST_SIGNALS)


def quota_services(environment: Mapping[str, str]) -> int:
    """How many services a tenant may have."""
    return number(environment, "SENTINEL_QUOTA_SERVICES", 5_000, 1, _MOST_OF_A_TENANT)


def quota_checks(environment: Mapping[str, str]) -> int:
    """How many checks a tenant may have."""
    return number(environment, "SENTINEL_QUOTA_CHECKS", 20_000, 1, _MOST_OF_A_TENANT)


def retention_raw_days(environment: Mapping[str, str]) -> int:
    """How many days results are kept."""
    return number(environment, "SENTINEL_RETENTION_RAW_DAYS", 30, _LEAST_RAW_DAYS, _MOST_DAYS)


def retention_hourly_days(environment: Mapping[str, str]) -> int:
    """How many days the figures of single hours are kept."""
    return number(environment, "SENTINEL_RETENTION_HOURLY_DAYS", 400, _LEAST_HOURLY_DAYS, _MOST_DAYS)


def retention_on_demand_days(environment: Mapping[str, str]) -> int:
    """How many days results of runs on demand are kept."""
    return number(environment, "SENTINEL_RETENTION_ON_DEMAND_DAYS", 30, 1, _MOST_DAYS)


def lease_ttl_s(environment: Mapping[str, str]) -> int:
    """How long a worker holds its shards without renewing its leases, in seconds; the same for every worker."""
    return number(environment, "SENTINEL_LEASE_TTL_SECONDS", 10, _LEAST_TTL_S, _MOST_TTL_S)


def secrets_keys(environment: Mapping[str, str]) -> tuple[bytes, ...]:
    """What secrets of checks are encrypted with, the key for new ones first.

    Raises:
        SettingError: without showing any of them.
    """
    try:
        return key_text.parse(environment.get(SECRETS_KEY, ""))
    except ValueError as error:
        raise SettingError(f"{SECRETS_KEY} {error}") from None


def _metrics_listen(environment: Mapping[str, str]) -> Address | None:
    name = "SENTINEL_METRICS_LISTEN"
    text = environment.get(name, "")
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    readable = port.isascii() and port.isdigit() and len(port) <= _MOST_DIGITS
    if not host or not readable or not 1 <= int(port) <= _HIGHEST_PORT:
        raise SettingError(f"{name} is {text!r}; it must be an address such as 127.0.0.1:9100 or [::1]:9100")
    return Address(host, int(port))


def number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number.

    Raises:
        SettingError: it is none, or out of bounds.
    """
    text = environment.get(name) or str(default)
    # Its length first: Python refuses to read a number of thousands of digits, with an error of its own.
    readable = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    if is_address_of_kubernetes(text):
        raise SettingError(
            f"{name} is {text!r}, which Kubernetes sets for a Service of that name; rename the Service, or set "
            "enableServiceLinks to false in the pod"
        )
    if not readable or not least <= int(text) <= most:
        raise SettingError(f"{name} is {text!r}; it must be an integer from {least} to {most}")
    return int(text)


def _required(environment: Mapping[str, str], name: str, example: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingError(f"{name} is not set; it must be {example}")
    return value


def _one_of(environment: Mapping[str, str], name: str, choices: tuple[str, ...], default: str) -> str:
    value = (environment.get(name) or default).lower()
    if value not in choices:
        raise SettingError(f"{name} is {value!r}; it must be one of {', '.join(choices)}")
    return value
