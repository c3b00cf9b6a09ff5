"""Quarantine of items for which background work failed, so that the other items are still processed.

A row that a statement refuses, or of which no figure can be computed, must neither end the process nor block the rows
after it. The log names the item and the error; `sentinel_background_failures_total` counts the failures.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from prometheus_client.core import Metric

from services.platform import logs
from services.platform.clock import HOUR_US
from services.platform.errors import Unavailable
from services.platform.metrics.exposition import counter, gauge

_QUARANTINE_US = HOUR_US
_log = logs.get("background")


class Quarantine:
    """The items of one kind of background work that are in quarantine, each for an hour.

    Args:
        work: the kind of work, as a label of metrics.

    Attributes:
        work: as given.
        failures: the number of failures, not counting an unavailable database.
    """

    def __init__(self, work: str) -> None:
        self.work = work
        self.failures = 0
        self._until_us: dict[UUID, int] = {}

    def __len__(self) -> int:
        return len(self._until_us)

    @contextmanager
    def tolerate_failures(self) -> Iterator[None]:
        """Log and count any exception of the block, and suppress it, so that the loop around it continues.

        An unavailable database is not a failure: the work is only postponed.
        """
        try:
            yield
        except Unavailable:
            _log.debug("background work postponed: database unavailable", work=self.work)
        except Exception:  # noqa: BLE001 — the rest of the process continues
            self.failures += 1
            _log.exception("background work failed, retrying", work=self.work)

    def add(self, subject: UUID, now: int) -> None:
        """Count a failure and quarantine the item for an hour."""
        self.failures += 1
        self._until_us[subject] = now + _QUARANTINE_US

    def ids(self, now: int) -> list[UUID]:
        """Return the items in quarantine."""
        self._until_us = {subject: until for subject, until in self._until_us.items() if until > now}
        return list(self._until_us)


class BackgroundCollector:
    """A collector of the metrics of background work.

    Args:
        works: the quarantines, one for each kind of work.
    """

    def __init__(self, *works: Quarantine) -> None:
        self._works = works

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        yield counter(
            "sentinel_background_failures",
            "Failures of background work, by kind of work.",
            ("work",),
            {(each.work,): each.failures for each in self._works},
        )
        yield gauge(
            "sentinel_background_set_aside",
            "Items quarantined for an hour after a failure, by kind of background work.",
            ("work",),
            {(each.work,): len(each) for each in self._works},
        )
