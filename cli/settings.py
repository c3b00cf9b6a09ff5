"""The stack's settings: read once from the environment, checked, then frozen. docs/settings.md lists them all."""

import ipaddress
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from cli.stack_settings import StackSettings, TlsFiles
from services.platform.configuration.settings import (
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
from services.platform.egress import policy as egress
from services.worker.canary import Canary

_HIGHEST_PORT = 65_535
_TLS_CERT, _TLS_KEY = "SENTINEL_TLS_CERT", "SENTINEL_TLS_KEY"


def read_settings(environment: Mapping[str, str]) -> StackSettings:
    """Read the environment.

    Raises:
        SettingError: one of them has no meaning.
    """
    own = environment.get("SENTINEL_DATABASE_URL")
    listening = _listen_addresses(environment)
    egress_policy(environment)  # the services read it; here it is only found out whether they can
    return StackSettings(
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
    """Validate a setting that a service reads itself, and return it."""
    text = environment.get(name, "")
    try:
        read(text)
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from error
    return text
