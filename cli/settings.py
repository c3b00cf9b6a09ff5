"""The stack's settings: read once from the environment, checked, then frozen. docs/settings.md lists them all."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from services.common.settings import (
    SettingError,
    auth_limit_burst,
    auth_limit_per_minute,
    database_url,
    dns_servers,
    heartbeat_limit_burst,
    heartbeat_limit_per_minute,
    lease_ttl_s,
    log_format,
    log_level,
    number,
    quota_checks,
    quota_services,
    retention_hourly_days,
    retention_on_demand_days,
    retention_raw_days,
    secrets_keys,
    trusted_proxies,
)
from services.worker.guard import Canary
from services.worker.wire.egress import EgressPolicy

_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """What `up` needs to know.

    Attributes:
        http_port: where Envoy listens.
        data_dir: the folder for all that must outlive a restart.
        database_url: an existing database; None runs the embedded one.
        workers: how many worker processes.
        egress_allow: CIDRs that checks may reach besides public addresses.
        canaries: addresses, as address:port, that answer unless this machine is cut off.
        dns_servers: name servers that workers ask instead of the system's, separated by commas.
        log_level: the least level that is logged.
        log_format: console or json.
        limit_per_minute: calls a minute that one address may make of register, login and the like, each.
        limit_burst: how many of them at once.
        heartbeat_limit_per_minute: signals of jobs a minute that one address may send.
        heartbeat_limit_burst: how many of them at once.
        trusted_proxies: networks whose word on a client's address is believed.
        quota_services: how many services a tenant may have.
        quota_checks: how many checks a tenant may have.
        retention_raw_days: how many days results are kept.
        retention_hourly_days: how many days the figures of single hours are kept.
        retention_on_demand_days: how many days results of runs on demand are kept.
        lease_ttl_s: how long a worker holds its shards without renewing its leases.
        secrets_keys: what secrets of checks are encrypted with; none leaves what the data folder has.
    """

    http_port: int
    data_dir: Path
    database_url: str | None
    workers: int
    egress_allow: str
    canaries: str
    dns_servers: str
    log_level: str
    log_format: str
    limit_per_minute: int
    limit_burst: int
    heartbeat_limit_per_minute: int
    heartbeat_limit_burst: int
    trusted_proxies: str
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
        return cls(
            http_port=number(environment, "SENTINEL_HTTP_PORT", 8080, 1, _HIGHEST_PORT),
            data_dir=_folder(environment, "SENTINEL_DATA_DIR", ".sentinel"),
            database_url=database_url(environment) if own else None,
            workers=number(environment, "SENTINEL_WORKERS", 1, 1, 64),
            egress_allow=_readable(environment, "SENTINEL_EGRESS_ALLOW", EgressPolicy.parse),
            canaries=_readable(environment, "SENTINEL_CANARIES", Canary.parse),
            dns_servers=",".join(dns_servers(environment)),
            log_level=log_level(environment),
            log_format=log_format(environment),
            limit_per_minute=auth_limit_per_minute(environment),
            limit_burst=auth_limit_burst(environment),
            heartbeat_limit_per_minute=heartbeat_limit_per_minute(environment),
            heartbeat_limit_burst=heartbeat_limit_burst(environment),
            trusted_proxies=",".join(str(network) for network in trusted_proxies(environment)),
            quota_services=quota_services(environment),
            quota_checks=quota_checks(environment),
            retention_raw_days=retention_raw_days(environment),
            retention_hourly_days=retention_hourly_days(environment),
            retention_on_demand_days=retention_on_demand_days(environment),
            lease_ttl_s=lease_ttl_s(environment),
            secrets_keys=secrets_keys(environment),
        )


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
