"""The counters of the worker, at the cost of one or two integers per probe.

Every method is called on the event loop, some of them thousands of times a second, so nothing here uses locks, label
look-ups or allocations: the values of a label are indices of a list. exposition.py converts them to Prometheus metrics
on demand, report.py to the report for other workers and ListWorkers.
"""

from enum import IntEnum
from time import monotonic

from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.specs.kinds import KINDS
from services.platform.clock import SECOND_US
from services.platform.metrics.distribution import Distribution
from services.platform.rpc.stream_metrics import StreamMetrics
from services.wire.wire_metrics import WireMetrics

# Preferred numbers (ISO 3, R10), ten per decade from 0.1 ms to 30 s: a value read from them is less than a third too
# high.
_PREFERRED = (100, 125, 160, 200, 250, 315, 400, 500, 630, 800)
_LONGEST_LAG_US = 30_000_000
LAG_US = (
    *(value for power in range(6) for number in _PREFERRED if (value := number * 10**power) < _LONGEST_LAG_US),
    _LONGEST_LAG_US,
)
# The bounds that /metrics shows.
LAG_SHOWN_US = (
    1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
    1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 30_000_000,
)  # fmt: skip
_WRITE_US = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000)
_BATCH = (1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_000)
_KINDS = len(ErrorKind) + 1


class SignalOutcome(IntEnum):
    """The result of a signal."""

    SUCCESS = 0
    """Recorded as a success."""
    FAILURE = 1
    """Recorded as a failure."""
    UNKNOWN = 2
    """The token is unknown."""
    LIMITED = 3
    """Refused by a rate limit."""


class Metrics:
    """The counters of the worker.

    Attributes:
        lag: from each slot to the start of its run, in microseconds.
        write_time: the duration of writing batches, in microseconds, without retries.
        batch_size: the number of results per batch.
        dropped_results: results that were dropped while the database was unavailable.
        wire: look-ups of host names.
        renewals: successful renewals of the leases.
        failed_renewals: failed renewals.
        renewed_at_s: the time of the last renewal by time.monotonic(); at first that of the start.
        streams: the streams of results.
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
        self.streams = StreamMetrics("sentinel_stream", "results")
        self._ended = [0] * ((len(Outcome) + 1) * _KINDS)
        self._of_kind = {kind: [0] * (len(Outcome) + 1) for kind in KINDS}
        self._missed = [0] * (len(MissedReason) + 1)
        self._signals = [0] * len(SignalOutcome)

    def started(self, lag_us: int) -> None:
        """Count the start of a run."""
        self.lag.add(lag_us)

    def ended(self, check_kind: str, outcome: Outcome, kind: ErrorKind | None) -> None:
        """Count the end of a run; UP has no error kind, every other outcome has one."""
        self._ended[outcome * _KINDS + (kind or 0)] += 1
        counts = self._of_kind.get(check_kind)
        if counts is None:  # the kind of a check whose secrets cannot be decrypted
            counts = self._of_kind[check_kind] = [0] * (len(Outcome) + 1)
        counts[outcome] += 1

    def missed(self, reason: MissedReason, count: int) -> None:
        """Count MISSED slots."""
        self._missed[reason] += count

    def written(self, results: int, took_s: float) -> None:
        """Count a written batch."""
        self.batch_size.add(results)
        self.write_time.add(int(took_s * SECOND_US))

    def dropped(self, count: int) -> None:
        """Count dropped results."""
        self.dropped_results += count

    def renewed(self) -> None:
        """Count a successful renewal."""
        self.renewals += 1
        self.renewed_at_s = monotonic()

    def not_renewed(self) -> None:
        """Count a failed renewal."""
        self.failed_renewals += 1

    def signal_ended(self, end: SignalOutcome) -> None:
        """Count a signal."""
        self._signals[end] += 1

    def ended_signals(self) -> dict[tuple[str, ...], float]:
        """Return signals by result."""
        return {(end.name,): self._signals[end] for end in SignalOutcome}

    @property
    def runs(self) -> int:
        """How many runs have ended."""
        return sum(self._ended)

    def ended_runs(self) -> dict[tuple[str, ...], float]:
        """Return runs by outcome and error kind, zeros included."""
        found: dict[tuple[str, ...], float] = {(Outcome.UP.name, ""): self._ended[Outcome.UP * _KINDS]}
        for outcome in (Outcome.DOWN, Outcome.ERROR):
            for kind in ErrorKind:
                found[outcome.name, kind.name] = self._ended[outcome * _KINDS + kind]
        return found

    def runs_of_kinds(self) -> dict[tuple[str, ...], float]:
        """Return runs by kind of check and outcome, zeros included."""
        return {
            (kind, outcome.name): counts[outcome]
            for kind, counts in self._of_kind.items()
            for outcome in (Outcome.UP, Outcome.DOWN, Outcome.ERROR)
        }

    def missed_slots(self) -> dict[tuple[str, ...], float]:
        """Return missed slots by reason."""
        return {(reason.name,): self._missed[reason] for reason in MissedReason}
