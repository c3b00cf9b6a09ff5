"""The settings of checks of any kind, such as the interval. Times in microseconds.

`CheckSettings` is their only list: columns, messages, defaults, the audit log and the updatable fields are derived from
it.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, NamedTuple

from sentinel.monitor.v1 import check_pb2

from services.checks.specs.spec import Spec
from services.checks.stored import SqlType, Stored, stored_attributes
from services.platform.clock import SECOND_US, from_duration, to_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """The settings of a check, with their defaults.

    An attribute has the name of its column in `checks` and of its field in the contract; one that ends in `_us` is a
    Duration there, without this ending.
    """

    interval_us: Annotated[int, Stored(sql="bigint")] = 60 * SECOND_US
    timeout_us: Annotated[int, Stored(sql="bigint")] = 10 * SECOND_US
    failure_threshold: Annotated[int, Stored(sql="smallint")] = 2
    recovery_threshold: Annotated[int, Stored(sql="smallint")] = 1
    retries: Annotated[int, Stored(sql="smallint")] = 0
    retry_delay_us: Annotated[int, Stored(sql="bigint")] = SECOND_US // 4

    def audited(self) -> dict[str, object]:
        """Return the settings for the audit log."""
        values = asdict(self)
        return {each.audit_name: each.audited(values[each.name]) for each in _SETTINGS}


class _Setting(NamedTuple):
    """A setting: its attribute and column, its field in the contract, and the conversions between them."""

    name: str
    field: str
    has_presence: bool
    from_field: Callable[[Any], Any]
    to_field: Callable[[Any], Any]
    audit_name: str
    audited: Callable[[Any], object]


def _setting(name: str) -> _Setting:
    field: str = name.removesuffix("_us")
    described = check_pb2.Check.DESCRIPTOR.fields_by_name[field]
    is_span = name.endswith("_us")
    return _Setting(
        name=name,
        field=field,
        has_presence=described.has_presence,
        from_field=from_duration if is_span else _same,
        to_field=to_duration if is_span else _same,
        audit_name=described.camelcase_name + ("Seconds" if is_span else ""),
        audited=(lambda span_us: span_us / SECOND_US) if is_span else _same,
    )


def _same(value: Any) -> Any:  # noqa: ANN401 — a value of any setting
    return value


_STORED = dict(stored_attributes(CheckSettings))
_SETTINGS = tuple(_setting(name) for name in _STORED)
DEFAULTS = CheckSettings()
SETTING_COLUMNS: Mapping[str, SqlType] = {name: how.sql for name, how in _STORED.items()}
"""The columns of the settings in `checks`, with their types."""
SETTING_FIELDS = tuple(each.field for each in _SETTINGS)
"""The fields of the settings in the contract's Check."""


def given_settings(message: check_pb2.Check) -> dict[str, Any]:
    """Return the settings that a message sets; absent ones are omitted, and 0 where 0 means absent."""
    return {
        each.name: each.from_field(getattr(message, each.field))
        for each in _SETTINGS
        if (message.HasField(each.field) if each.has_presence else getattr(message, each.field))
    }


def settings_with_defaults(spec: Spec, given: Mapping[str, Any]) -> CheckSettings:
    """Return the settings of a check: the given ones, and defaults by its kind.

    Raises:
        TypeError: a given setting does not exist.
    """
    interval_us = spec.slots_every_us(given.get("interval_us", DEFAULTS.interval_us))
    # If the default is not below the interval, use four fifths of the interval.
    timeout_us = min(DEFAULTS.timeout_us, interval_us * 4 // 5)
    by_kind = {"timeout_us": timeout_us, "failure_threshold": spec.FAILURE_THRESHOLD}
    return CheckSettings(**{**by_kind, **given, "interval_us": interval_us})


def settings_in_row(row: Any) -> CheckSettings:  # noqa: ANN401 — a row by column names, whichever driver it came from
    """Return the settings in a row of `checks`."""
    return CheckSettings(**{name: row[name] for name in SETTING_COLUMNS})


def write_settings(settings: CheckSettings, message: check_pb2.Check) -> None:
    """Write settings into a message."""
    message.MergeFrom(
        check_pb2.Check(**{each.field: each.to_field(getattr(settings, each.name)) for each in _SETTINGS})
    )
