"""The stack's settings: read once from the environment, checked, then frozen. docs/settings.md lists them all."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from services.common.settings import SettingError, database_url, log_format, log_level
from services.worker.egress import EgressPolicy

_HIGHEST_PORT = 65_535
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class StackSettings:
    """What `up` needs to know.

    Attributes:
        http_port: where Envoy listens.
        data_dir: the folder for all that must outlive a restart.
        database_url: an existing database; None runs the embedded one.
        workers: how many worker processes.
        egress_allow: CIDRs that checks may reach besides public addresses.
        log_level: the least level that is logged.
        log_format: console or json.
        limit_per_minute: calls a minute that one address may make of register, login and refresh, each.
        limit_burst: how many of them at once.
    """

    http_port: int
    data_dir: Path
    database_url: str | None
    workers: int
    egress_allow: str
    log_level: str
    log_format: str
    limit_per_minute: int
    limit_burst: int

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the environment.

        Raises:
            SettingError: one of them has no meaning.
        """
        own = environment.get("SENTINEL_DATABASE_URL")
        return cls(
            http_port=_number(environment, "SENTINEL_HTTP_PORT", 8080, 1, _HIGHEST_PORT),
            data_dir=_folder(environment, "SENTINEL_DATA_DIR", ".sentinel"),
            database_url=database_url(environment) if own else None,
            workers=_number(environment, "SENTINEL_WORKERS", 1, 1, 64),
            egress_allow=_cidrs(environment, "SENTINEL_EGRESS_ALLOW"),
            log_level=log_level(environment),
            log_format=log_format(environment),
            limit_per_minute=_number(environment, "SENTINEL_AUTH_LIMIT_PER_MINUTE", 60, 1, 100_000),
            limit_burst=_number(environment, "SENTINEL_AUTH_LIMIT_BURST", 30, 1, 100_000),
        )


def _number(environment: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environment.get(name) or str(default)
    # Its length first: Python refuses to read a number of thousands of digits, with an error of its own.
    readable = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    if not readable or not least <= int(text) <= most:
        raise SettingError(f"{name} is {text!r}; it takes a whole number from {least} to {most}")
    return int(text)


def _folder(environment: Mapping[str, str], name: str, default: str) -> Path:
    try:
        return Path(environment.get(name) or default).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise SettingError(f"{name}: {error}") from error


def _cidrs(environment: Mapping[str, str], name: str) -> str:
    try:
        EgressPolicy.parse(environment.get(name, ""))
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from error
    return environment.get(name, "")
