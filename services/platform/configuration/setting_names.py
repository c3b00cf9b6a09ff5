"""The names of all settings, which process reads each, and its default; docs/settings.md says what they mean.

A misspelt name is a setting that silently does nothing. `up` and `preflight` refuse one. Single processes warn: one of
the version before has to start beside settings that only the next version knows.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SECRETS_KEY = "SENTINEL_SECRETS_KEY"
_PREFIX = "SENTINEL_"
_ALIKE = 0.7


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting.

    Attributes:
        name: of the environment variable.
        default: as docs/settings.md shows it.
        process: what reads it: `up`, a single process, or both, where `up` hands it on.
    """

    name: str
    default: str
    process: Literal["up", "single", "both"] = "both"


SETTINGS = (
    Setting("SENTINEL_HTTP_PORT", "`8080`", "up"),
    Setting("SENTINEL_LISTEN_ADDRESSES", "`127.0.0.1,::1`", "up"),
    Setting("SENTINEL_TLS_CERT", "none", "up"),
    Setting("SENTINEL_TLS_KEY", "none", "up"),
    Setting("SENTINEL_DATA_DIR", "`.sentinel`"),
    Setting("SENTINEL_DATABASE_URL", "embedded"),
    Setting("SENTINEL_WORKERS", "`1`", "up"),
    Setting("SENTINEL_EGRESS_ALLOW", "none"),
    Setting("SENTINEL_EGRESS_DENY", "none"),
    Setting("SENTINEL_EGRESS_TRANSLATION_PREFIXES", "none"),
    Setting("SENTINEL_CANARIES", "none"),
    Setting("SENTINEL_DNS_SERVERS", "the system's"),
    Setting("SENTINEL_FAST_TLS", "`on`"),
    Setting("SENTINEL_LOG_LEVEL", "`info`"),
    Setting("SENTINEL_LOG_FORMAT", "`console`"),
    Setting("SENTINEL_AUTH_LIMIT_PER_MINUTE", "`60`"),
    Setting("SENTINEL_AUTH_LIMIT_BURST", "`30`"),
    Setting("SENTINEL_HEARTBEAT_LIMIT_PER_MINUTE", "`6000`", "up"),
    Setting("SENTINEL_HEARTBEAT_LIMIT_BURST", "`1000`", "up"),
    Setting("SENTINEL_REGISTRATION", "`open`"),
    Setting("SENTINEL_TRUSTED_PROXIES", "none"),
    Setting("SENTINEL_QUOTA_SERVICES", "`5000`"),
    Setting("SENTINEL_QUOTA_CHECKS", "`20000`"),
    Setting("SENTINEL_RETENTION_RAW_DAYS", "`30`"),
    Setting("SENTINEL_RETENTION_HOURLY_DAYS", "`400`"),
    Setting("SENTINEL_RETENTION_ON_DEMAND_DAYS", "`30`"),
    Setting("SENTINEL_LEASE_TTL_SECONDS", "`10`"),
    Setting(SECRETS_KEY, "a key in the data folder"),
    Setting("SENTINEL_LISTEN", "required", "single"),
    Setting("SENTINEL_METRICS_LISTEN", "none", "single"),
)
_NAMES = frozenset(each.name for each in SETTINGS)
# What clients of the API read, and the tests of this repository.
_OF_OTHERS = re.compile(r"SENTINEL_(API_KEY|URL|TOKEN|TEST_.*)")
# Kubernetes describes each Service of a namespace to its pods; one may be called sentinel or sentinel-door.
_OF_KUBERNETES = re.compile(
    r"SENTINEL_(\w+_)?SERVICE_(HOST|PORT(_\w+)?)|SENTINEL_(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
)
_PORT_OF_KUBERNETES = re.compile(r"SENTINEL_(\w+_)?PORT")
_ADDRESS_OF_KUBERNETES = re.compile(r"(tcp|udp|sctp)://\S+")


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that looks like a setting and is none, with the nearest setting."""
    return [
        f"{name} is not a known setting{_suggestion(name)}"
        for name, value in sorted(environment.items())
        if name.startswith(_PREFIX) and name not in _NAMES and not _is_known(name, value)
    ]


def is_address_of_kubernetes(value: str) -> bool:
    """Whether a value is one that Kubernetes gives NAME_PORT for a Service."""
    return _ADDRESS_OF_KUBERNETES.fullmatch(value) is not None


def _is_known(name: str, value: str) -> bool:
    if _OF_OTHERS.fullmatch(name) or _OF_KUBERNETES.fullmatch(name):
        return True
    return _PORT_OF_KUBERNETES.fullmatch(name) is not None and is_address_of_kubernetes(value)


def _suggestion(name: str) -> str:
    rest = {each.removeprefix(_PREFIX): each for each in sorted(_NAMES)}
    near = difflib.get_close_matches(name.removeprefix(_PREFIX), rest, n=1, cutoff=_ALIKE)
    if near:
        return f"; did you mean {rest[near[0]]}?"
    return "; docs/settings.md lists all settings; unset it if it is not meant for Sentinel Stack"
