"""What background work could not do: counted, and left alone for a while, so that the rest goes on.

A row that some statement refuses, or that no figure can be made of, must not end the process, nor hold up what is
behind it. The log says which it is and why; `sentinel_background_failures_total` says that there is something to see.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from prometheus_client.core import Metric

from services.platform import logs
from services.platform.clock import HOUR_US
from services.platform.errors import Unavailable
from services.platform.metrics.exposition import counter, gauge

_ASIDE_US = HOUR_US
_log = logs.get("background")


class SetAside:
    """Ids that some background work leaves alone, each for an hour.

    Args:
        work: which work, as metrics call it.

    Attributes:
        work: as given.
        failures: how often anything of it failed, for any reason but that the database was away.
    """

    def __init__(self, work: str) -> None:
        self.work = work
        self.failures = 0
        self._until_us: dict[UUID, int] = {}

    def __len__(self) -> int:
        return len(self._until_us)

    @contextmanager
    def outlived(self) -> Iterator[None]:
        """What fails inside, for nobody's reason in particular, is logged and counted, and the process goes on.

        A database that is away is no failure: the work waits.
        """
        try:
            yield
        except Unavailable:
            _log.debug("background work postponed: database unavailable", work=self.work)
        except Exception:  # noqa: BLE001 — the rest of the process goes on
            self.failures += 1
            _log.exception("background work failed, retrying", work=self.work)

    def add(self, subject: UUID, now: int) -> None:
        """Count a failure, and leave alone what it was at."""
        self.failures += 1
        self._until_us[subject] = now + _ASIDE_US

    def subjects(self, now: int) -> list[UUID]:
        """What is left alone at a time."""
        self._until_us = {subject: until for subject, until in self._until_us.items() if until > now}
        return list(self._until_us)


class BackgroundCollector:
    """Shows how background work goes.

    Args:
        works: what each left aside.
    """

    def __init__(self, *works: SetAside) -> None:
        self._works = works

    def collect(self) -> Iterator[Metric]:
        """As Prometheus takes it."""
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
