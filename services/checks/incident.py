"""What incidents are made of, for those who move them and those who show them. The numbers are the contract's."""

from enum import IntEnum


class Resolution(IntEnum):
    """What ended an incident."""

    RECOVERED = 1
    BY_HAND = 2
    CHECK_PAUSED = 3
    CHECK_DELETED = 4


class IncidentEventKind(IntEnum):
    """What happened to an incident."""

    OPENED = 1
    ACKNOWLEDGED = 2
    NOTE = 3
    RESOLVED = 4
