"""All settings: environment variables that are read once at start, validated and frozen (docs/adr/0045).

Each setting is defined only here, as an attribute of Settings; docs/settings.md documents it. The settings that `up`
passes on to the services and the check for unknown names are derived from the definitions. An invalid setting stops
the start with a message that names it and its fault.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from services.platform.configuration import parsers
from services.platform.configuration.setting import Process, Setting, SettingError, Values
from services.platform.egress import policy as egress
from services.platform.security import registration
from services.platform.security.registration import RegistrationMode

__all__ = ["SETTINGS", "SettingError", "Settings", "TlsFiles", "decided_registration"]

_MOST_ATTEMPTS = 100_000
_MOST_SIGNALS = 1_000_000
_MOST_OF_A_TENANT = 1_000_000
# A result holds for up to two days. Windows of up to 30 days begin at any full hour.
_LEAST_RAW_DAYS = 7
_LEAST_HOURLY_DAYS = 35
_MOST_DAYS = 36_500


class TlsFiles(NamedTuple):
    """The files of the TLS certificate that Envoy serves.

    Attributes:
        certificate: a PEM file with the server certificate, followed by the intermediate certificates.
        key: a PEM file with the private key, without a passphrase.
    """

    certificate: Path
    key: Path


class Settings(Values):
    """The settings that one process has read."""

    http_port = Setting("SENTINEL_HTTP_PORT", parsers.integer(1, 65_535), "8080", process="up")
    listen_addresses = Setting(
        "SENTINEL_LISTEN_ADDRESSES", parsers.listen_addresses, process="up", shown="`127.0.0.1,::1`"
    )
    tls_cert = Setting("SENTINEL_TLS_CERT", parsers.linked_file, process="up")
    tls_key = Setting("SENTINEL_TLS_KEY", parsers.linked_file, process="up")
    data_dir = Setting("SENTINEL_DATA_DIR", parsers.folder, ".sentinel")
    database_url = Setting(
        "SENTINEL_DATABASE_URL",
        parsers.postgresql_url,
        shown="embedded",
        required="a URL such as postgresql://user:password@host/sentinel",
    )
    workers = Setting("SENTINEL_WORKERS", parsers.integer(1, 64), "1", process="up")
    egress_allow = Setting(egress.ALLOW, parsers.as_text)
    egress_deny = Setting(egress.DENY, parsers.as_text)
    egress_translation_prefixes = Setting(egress.TRANSLATION_PREFIXES, parsers.as_text)
    canaries = Setting("SENTINEL_CANARIES", parsers.literal_addresses)
    dns_servers = Setting("SENTINEL_DNS_SERVERS", parsers.dns_servers, shown="the system's")
    fast_tls = Setting("SENTINEL_FAST_TLS", parsers.on_or_off, "on")
    log_level = Setting("SENTINEL_LOG_LEVEL", parsers.one_of("debug", "info", "warning", "error"), "info")
    log_format = Setting("SENTINEL_LOG_FORMAT", parsers.one_of("console", "json"), "console")
    auth_limit_per_minute = Setting("SENTINEL_AUTH_LIMIT_PER_MINUTE", parsers.integer(1, _MOST_ATTEMPTS), "60")
    auth_limit_burst = Setting("SENTINEL_AUTH_LIMIT_BURST", parsers.integer(1, _MOST_ATTEMPTS), "30")
    # An entire office or cluster may share one source address.
    heartbeat_limit_per_minute = Setting(
        "SENTINEL_HEARTBEAT_LIMIT_PER_MINUTE", parsers.integer(1, _MOST_SIGNALS), "6000", process="up"
    )
    heartbeat_limit_burst = Setting(
        "SENTINEL_HEARTBEAT_LIMIT_BURST", parsers.integer(1, _MOST_SIGNALS), "1000", process="up"
    )
    registration = Setting(registration.SETTING, parsers.member_of(RegistrationMode), shown="`open`")
    trusted_proxies = Setting("SENTINEL_TRUSTED_PROXIES", parsers.networks)
    quota_services = Setting("SENTINEL_QUOTA_SERVICES", parsers.integer(1, _MOST_OF_A_TENANT), "5000")
    quota_checks = Setting("SENTINEL_QUOTA_CHECKS", parsers.integer(1, _MOST_OF_A_TENANT), "20000")
    retention_raw_days = Setting("SENTINEL_RETENTION_RAW_DAYS", parsers.integer(_LEAST_RAW_DAYS, _MOST_DAYS), "30")
    retention_hourly_days = Setting(
        "SENTINEL_RETENTION_HOURLY_DAYS", parsers.integer(_LEAST_HOURLY_DAYS, _MOST_DAYS), "400"
    )
    retention_on_demand_days = Setting("SENTINEL_RETENTION_ON_DEMAND_DAYS", parsers.integer(1, _MOST_DAYS), "30")
    lease_ttl_s = Setting("SENTINEL_LEASE_TTL_SECONDS", parsers.integer(3, 60), "10")
    secrets_keys = Setting(
        "SENTINEL_SECRETS_KEY", parsers.secret_keys, shown="a key in the data folder", services=("monitor", "worker")
    )
    listen = Setting(
        "SENTINEL_LISTEN",
        parsers.as_text,
        process="single",
        shown="required",
        required="an address such as 127.0.0.1:5001 or unix:/run/auth.sock",
    )
    metrics_listen = Setting("SENTINEL_METRICS_LISTEN", parsers.listen_address, process="single")

    @classmethod
    def of_stack(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings of `up`.

        Raises:
            SettingError: a setting is invalid, or SENTINEL_REGISTRATION is not set although other machines can reach
                the installation.
        """
        settings = cls._read(environment, "up")
        decided_registration(settings.registration, settings.listen_addresses)
        settings.tls  # noqa: B018 — raises if only one of the two is set
        return settings

    @classmethod
    def of_service(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings of a single process.

        Raises:
            SettingError: a required setting is missing, or a setting is invalid.
        """
        return cls._read(environment, "single")

    @classmethod
    def _read(cls, environment: Mapping[str, str], process: Process) -> "Settings":
        read = [each for each in SETTINGS if each.is_read_by(process)]
        settings = cls(
            {each.name: each.read(environment, process) for each in read},
            {each.name: each.text(environment) for each in read},
        )
        settings.egress  # noqa: B018 — raises if it is invalid
        return settings

    def __repr__(self) -> str:
        """Return the name of the class only, because values and texts contain passwords and keys."""
        return "Settings()"

    @property
    def egress(self) -> egress.EgressPolicy:
        """The egress policy: which addresses checks may reach. This machine's addresses are read at each decision.

        Raises:
            SettingError: a setting of the egress policy is invalid.
        """
        from services.platform.egress.own_addresses import OwnAddresses  # noqa: PLC0415 — `up` does not need it

        try:
            return egress.EgressPolicy.parse(
                self.egress_allow, self.egress_deny, self.egress_translation_prefixes, OwnAddresses()
            )
        except ValueError as error:
            raise SettingError(str(error)) from error

    @property
    def tls(self) -> TlsFiles | None:
        """The files of the certificate and its key; None if neither is set. Their contents are not read here.

        Raises:
            SettingError: only one of the two is set.
        """
        certificate, key = self.tls_cert, self.tls_key
        if certificate and key:
            return TlsFiles(certificate, key)
        if not certificate and not key:
            return None
        missing, other = (Settings.tls_key, Settings.tls_cert) if certificate else (Settings.tls_cert, Settings.tls_key)
        raise SettingError(f"{missing.name} is not set but {other.name} is; set both to serve TLS, or neither")

    @property
    def registration_mode(self) -> RegistrationMode:
        """Who may register a tenant; everyone by default."""
        return self.registration or RegistrationMode.OPEN

    def passed_on(self, service: str) -> dict[str, str]:
        """Return the settings that `up` passes on to a service, as texts by name."""
        return {
            each.name: self.texts[each.name] for each in SETTINGS if each.process == "both" and service in each.services
        }


SETTINGS: tuple[Setting[Any], ...] = tuple(each for each in vars(Settings).values() if isinstance(each, Setting))
"""All settings, in the order of docs/settings.md."""


def decided_registration(mode: RegistrationMode | None, addresses: Iterable[str]) -> RegistrationMode:
    """Return who may register a tenant in an installation that listens on some addresses; everyone by default.

    Raises:
        SettingError: the mode is None although other machines can reach the installation.
    """
    refusal = registration.refusal_of_silence(addresses, mode)
    if refusal is not None:
        raise SettingError(refusal)
    return mode or RegistrationMode.OPEN
