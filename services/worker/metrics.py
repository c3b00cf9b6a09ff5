"""What the worker counts of itself, at the cost of an integer or two a probe.

Every method is called on the event loop, some of them thousands of times a second, so nothing here has a lock, a label
lookup or an allocation: the values of a label are places in a list. exposition.py turns the figures into Prometheus'
families when somebody asks, report.py into what the other workers and ListWorkers see.
"""

from enum import IntEnum
from time import monotonic

from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.specs.kinds import KINDS
from services.platform.clock import SECOND_US
from services.platform.metrics.distribution import Distribution
from services.platform.rpc.stream_metrics import StreamMetrics
from services.wire.wire_metrics import WireMetrics

# Preferred numbers (ISO 3, R10), ten to a decade from 0.1 ms to 30 s: what is read from them is less than a third high.
_PREFERRED = (100, 125, 160, 200, 250, 315, 400, 500, 630, 800)
_LONGEST_LAG_US = 30_000_000
LAG_US = (
    *(value for power in range(6) for number in _PREFERRED if (value := number * 10**power) < _LONGEST_LAG_US),
    _LONGEST_LAG_US,
)
# Which of them /metrics shows.
LAG_SHOWN_US = (
    1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 30_000_000,
)  # fmt: skip
_WRITE_US = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000)
_BATCH = (1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000)
_KINDS = len(ErrorKind) + 1


class SignalEnd(IntEnum):
    """What became of a signal."""

    SUCCESS = 0
    """Written down; it told of a success."""
    FAILURE = 1
    """Written down; it told of a failure."""
    UNKNOWN = 2
    """No heartbeat has its token."""
    LIMITED = 3
    """Refused: too many."""


class Metrics:
    """The worker's figures; each only grows.

    Attributes:
        lag: from each slot to its run's begin, in microseconds.
        write_time: how long batches took to write, in microseconds, retries left out.
        batch_size: how many results they had.
        dropped_results: results that could not be kept while the database was away.
        wire: of the look-ups of host names.
        renewals: rounds in which the leases were renewed.
        failed_renewals: rounds in which they could not be.
        renewed_at_s: when they were last, by time.monotonic(); at first when we began.
        streams: of the streams of results.
    """

    def __init__(self) -> None:
        self.lag = Distribution(LAG_US)
        self.write_time = Distribution(_WRITE_US)
        self.batch_size = Distribution(_BATCH)
        self.dropped_results = 0
        self.wire = WireMetrics()
        self.renewals = 0
        self.failed_renewals = 0
        self.renewed_at_s = monotonic()
        self.streams = StreamMetrics()
        self._ended = [0] * ((len(Outcome) + 1) * _KINDS)
        self._of_kind = {kind: [0] * (len(Outcome) + 1) for kind in KINDS}
        self._missed = [0] * (len(MissedReason) + 1)
        self._signals = [0] * len(SignalEnd)

    def started(self, lag_us: int) -> None:
        """A run began so long after its slot."""
        self.lag.add(lag_us)

    def ended(self, check_kind: str, outcome: Outcome, kind: ErrorKind | None) -> None:
        """A run of a check of some kind ended; UP has no kind of error, every other outcome has."""
        self._ended[outcome * _KINDS + (kind or 0)] += 1
        counts = self._of_kind.get(check_kind)
        if counts is None:  # what cannot be run for want of its secrets
            counts = self._of_kind[check_kind] = [0] * (len(Outcome) + 1)
        counts[outcome] += 1

    def missed(self, reason: MissedReason, count: int) -> None:
        """Slots are MISSED."""
        self._missed[reason] += count

    def written(self, results: int, took_s: float) -> None:
        """A batch was written."""
        self.batch_size.add(results)
        self.write_time.add(int(took_s * SECOND_US))

    def dropped(self, count: int) -> None:
        """Results were dropped."""
        self.dropped_results += count

    def renewed(self) -> None:
        """The leases were renewed."""
        self.renewals += 1
        self.renewed_at_s = monotonic()

    def not_renewed(self) -> None:
        """The leases could not be renewed."""
        self.failed_renewals += 1

    def signal_ended(self, end: SignalEnd) -> None:
        """A signal of a job was written down, or refused."""
        self._signals[end] += 1

    def ended_signals(self) -> dict[tuple[str, ...], float]:
        """Signals by what became of them."""
        return {(end.name,): self._signals[end] for end in SignalEnd}

    @property
    def runs(self) -> int:
        """How many runs have ended."""
        return sum(self._ended)

    def ended_runs(self) -> dict[tuple[str, ...], float]:
        """Runs by outcome and error kind: UP without one, DOWN and ERROR with each, also those that never came."""
        found: dict[tuple[str, ...], float] = {(Outcome.UP.name, ""): self._ended[Outcome.UP * _KINDS]}
        for outcome in (Outcome.DOWN, Outcome.ERROR):
            for kind in ErrorKind:
                found[outcome.name, kind.name] = self._ended[outcome * _KINDS + kind]
        return found

    def runs_of_kinds(self) -> dict[tuple[str, ...], float]:
        """Runs by kind of check and outcome, of every kind, also those of which none came."""
        return {
            (kind, outcome.name): counts[outcome]
            for kind, counts in self._of_kind.items()
            for outcome in (Outcome.UP, Outcome.DOWN, Outcome.ERROR)
        }

    def missed_slots(self) -> dict[tuple[str, ...], float]:
        """Slots by the reason that nobody ran them."""
        return {(reason.name,): self._missed[reason] for reason in MissedReason}
