"""Enumerations of incidents, shared by worker and monitor. The numbers are the contract's."""

from enum import IntEnum


class Resolution(IntEnum):
    """The reason why an incident ended."""

    RECOVERED = 1
    BY_HAND = 2
    CHECK_PAUSED = 3
    CHECK_DELETED = 4


class IncidentEventKind(IntEnum):
    """The kind of an event in an incident's timeline."""

    OPENED = 1
    ACKNOWLEDGED = 2
    NOTE = 3
    RESOLVED = 4
