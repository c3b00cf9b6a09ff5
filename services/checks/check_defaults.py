"""What a check has where its author says nothing; times in microseconds."""

from services.platform.clock import SECOND_US

INTERVAL_US = 60 * SECOND_US
TIMEOUT_US = 10 * SECOND_US
RECOVERY_THRESHOLD = 1
RETRY_DELAY_US = SECOND_US // 4


def timeout_of(given_us: int | None, interval_us: int) -> int:
    """A check's timeout; where the default would not fit the interval, four fifths of it do."""
    return given_us or min(TIMEOUT_US, interval_us * 4 // 5)
