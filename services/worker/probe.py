"""One run of a check: one or several attempts under one deadline. A run returns a result and raises no error."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias, TypeVar
from uuid import UUID

from services.checks.failed_attempt import FailedAttempt
from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.checks.specs.spec import Spec
from services.checks.tenant_egress import TenantEgress
from services.platform import logs
from services.platform.clock import SECOND_US, now_us
from services.platform.errors import Unavailable
from services.wire.deadline import Deadline
from services.wire.internal_error import InternalProbeError, describe_error, is_internal
from services.wire.network import Network
from services.wire.observation import Observation, OnPhase
from services.wire.probe_failure import ProbeFailure
from services.worker.cpu_queue import CpuQueue
from services.worker.error_message import error_message
from services.worker.heartbeats.signals import Signals
from services.worker.judging.attempt_report import AttemptReport, report_of
from services.worker.judging.cost import ON_LOOP_US, cost_us
from services.worker.judging.judge import Verdict, judge
from services.worker.kinds.kind import Kind, Probe
from services.worker.kinds.registry import probes_by_kind
from services.worker.kinds.undecryptable import UndecryptableProbe, UndecryptableSpec
from services.worker.results import to_result
from services.worker.schedule import ScheduledCheck

_log = logs.get("probe")
# The CPU time of an ordinary run, which is not charged to the tenant.
_FREE_NS = 2_000_000
# The CPU time of judging is measured if its upper bound exceeds this.
_UNMEASURED_US = 500
# The least time for an attempt: the contract's shortest timeout.
_LEAST_S = 0.01
_T = TypeVar("_T")
OnReport: TypeAlias = Callable[[AttemptReport], None]
"""A callback for the report of an attempt."""


class Prober:
    """Runs checks.

    Args:
        network: connects to targets.
        worker_id: the id of this worker, for results.
        signals: reads the signals of jobs; None if heartbeat checks are not supported.
        cpu: runs expensive judging off the event loop, and charges tenants for CPU time.
        egress: returns the slug of a tenant, for egress policies that differ by tenant; None if none does.
    """

    def __init__(
        self,
        network: Network,
        *,
        worker_id: str,
        signals: Signals | None = None,
        cpu: CpuQueue | None = None,
        egress: TenantEgress | None = None,
    ) -> None:
        self._network = network
        self._worker_id = worker_id
        self._egress = egress
        self._cpu = cpu or CpuQueue()
        self._kinds: Mapping[type[Spec], Kind] = {**probes_by_kind(signals), UndecryptableSpec: UndecryptableProbe}

    def probe_of(self, spec: Spec) -> Probe:
        """Return the probe of a spec, which all runs of the spec can share."""
        return self._kinds[type(spec)](spec)

    async def run(
        self,
        check: ScheduledCheck,
        slot_us: int,
        start_us: int,
        *,
        probe: Probe | None = None,
        on_phase: OnPhase | None = None,
        on_report: OnReport | None = None,
    ) -> Result:
        """Run a check once, and return the result. Errors of the monitor itself become the outcome ERROR.

        The timeout applies to the whole run, from DNS to the last byte, including retries and redirects (semantics.md
        §4). A failed attempt is retried with exponential backoff while retries and time are left (semantics.md §10).
        The tenant is charged for CPU time beyond that of an ordinary run.

        Args:
            check: the check.
            slot_us: the slot of the result, in microseconds since the epoch.
            start_us: the present time, in microseconds since the epoch.
            probe: the probe of the check's spec, if several runs share it; None to make one for this run.
            on_phase: called when a phase ends.
            on_report: called with the report of each attempt that got a response, after judging.
        """
        run = _Run(check, self._cpu, on_phase)
        try:
            verdict = await self._attempts(run, probe or self.probe_of(check.spec), on_report)
        except asyncio.CancelledError:
            if not run.deadline.passed():
                raise
            verdict = _timed_out(check, run.seen)
        except Exception as error:  # noqa: BLE001 — an internal error is ERROR, never DOWN (semantics.md §9)
            verdict = _internal_error_message(error)
        finally:
            run.end()
        return to_result(
            check,
            run.seen,
            verdict,
            run.failed_attempts,
            slot_us=slot_us,
            start_us=start_us,
            worker_id=self._worker_id,
        )

    async def _attempts(self, run: "_Run", probe: Probe, on_report: OnReport | None) -> Verdict:
        network = self._network
        if self._egress is not None:
            network = network.of(await _slug(self._egress, run.check.tenant_id))
        while True:
            try:
                await probe.attempt(network, run.seen)
            except ProbeFailure as failure:
                verdict = Verdict(outcome=Outcome.DOWN, error_kind=failure.kind, message=failure.sentence)
            else:
                run.take_time()
                judged_us = now_us()
                verdict = await _worked(run, judge, judged_us)
                if verdict.trouble is not None:
                    _log.error("an assertion could not be evaluated", exc_info=verdict.trouble)
                if on_report is not None:
                    on_report(await _worked(run, report_of, judged_us))
            if verdict.outcome is not Outcome.DOWN or verdict.error_kind is None or not await run.pause():
                return verdict
            run.next_attempt(verdict.error_kind, verdict.message)


def pause_before(attempt: int, delay_s: float) -> float:
    """Return the pause before an attempt, in seconds: exponential backoff with the factor 2.

    Args:
        attempt: the number of the attempt, from 2; the first attempt has no pause.
        delay_s: the pause before the second attempt, in seconds.
    """
    return float(delay_s * 2 ** (attempt - 2))


class _Run:
    """A run in progress.

    Args:
        check: the check.
        cpu: runs expensive work off the event loop, and charges the tenant.
        on_phase: called when a phase ends.

    Attributes:
        check: the check.
        deadline: the deadline of the whole run; paused while work is in the CPU queue.
        seen: the observations so far.
        failed_attempts: the failed attempts before the present one.
    """

    __slots__ = ("_cpu", "_start_ns", "check", "deadline", "failed_attempts", "seen")

    def __init__(self, check: ScheduledCheck, cpu: CpuQueue, on_phase: OnPhase | None) -> None:
        self._start_ns = time.perf_counter_ns()
        self._cpu = cpu
        self.check = check
        self.deadline = Deadline(check.settings.timeout_us / SECOND_US)
        self.seen = Observation(on_phase=on_phase, off_loop=self.off_loop)
        self.failed_attempts: tuple[FailedAttempt, ...] = ()

    async def off_loop(self, work: Callable[[], _T]) -> _T:
        """Run expensive work in the CPU queue, and return its result; exclude its duration from timeout and timings."""
        began_ns = time.perf_counter_ns()
        self.deadline.pause()
        try:
            return await self._cpu.run(self.check.tenant_id, work)
        finally:
            self.deadline.resume()
            self.seen.waited_ns += time.perf_counter_ns() - began_ns

    def take_time(self) -> None:
        """Store the elapsed time of the run in the observations, without backoff and time in the CPU queue."""
        seen = self.seen
        seen.total_us = (time.perf_counter_ns() - self._start_ns - seen.waited_ns) // 1000

    async def pause(self) -> bool:
        """Wait before the next attempt and return True; return False at once if no retry or too little time is left."""
        seen, settings = self.seen, self.check.settings
        if seen.attempt > settings.retries:
            return False
        pause_s = pause_before(seen.attempt + 1, settings.retry_delay_us / SECOND_US)
        if pause_s + _LEAST_S > self.deadline.left_s:
            return False
        began_ns = time.perf_counter_ns()
        await asyncio.sleep(pause_s)
        seen.waited_ns += time.perf_counter_ns() - began_ns
        return True

    def next_attempt(self, error_kind: ErrorKind, message: str) -> None:
        """Store the failed attempt, and reset the observations for the next one."""
        failed = FailedAttempt(error_kind, error_message(message, self.check.spec), self.seen.status_code)
        self.failed_attempts = (*self.failed_attempts, failed)
        self.seen.next_attempt()

    def end(self) -> None:
        """Clear the deadline, charge the tenant for CPU time, and store the elapsed time."""
        self.deadline.clear()
        seen = self.seen
        seen.off_loop = None  # breaks the reference cycle with the run
        if seen.cpu_ns > _FREE_NS:
            self._cpu.charge(self.check.tenant_id, (seen.cpu_ns - _FREE_NS) // 1000)
        self.take_time()


async def _slug(egress: TenantEgress, tenant_id: UUID) -> str:
    try:
        return await egress.slug_of(tenant_id)
    except Unavailable as error:
        raise InternalProbeError("database unavailable: the egress policy of the tenant could not be read") from error


async def _worked(run: _Run, work: Callable[[Spec, Observation, int], _T], judged_us: int) -> _T:
    """Evaluate assertions on the observations: on the event loop if that is cheap, else in the CPU queue.

    Args:
        run: the run.
        work: the evaluation; takes the spec, the observations and the present time.
        judged_us: the present time, in microseconds since the epoch.
    """
    spec, seen = run.check.spec, run.seen
    cost = cost_us(spec.assertions, seen)
    if cost <= _UNMEASURED_US:
        return work(spec, seen, judged_us)
    if cost > ON_LOOP_US:
        return await run.off_loop(partial(work, spec, seen, judged_us))
    began_ns = time.thread_time_ns()
    try:
        return work(spec, seen, judged_us)
    finally:
        seen.cpu_ns += time.thread_time_ns() - began_ns


def _internal_error_message(error: Exception) -> Verdict:
    if isinstance(error, InternalProbeError):
        return Verdict(outcome=Outcome.ERROR, error_kind=error.kind, message=str(error))
    if is_internal(error):
        return Verdict(outcome=Outcome.ERROR, error_kind=ErrorKind.INTERNAL, message=describe_error(error))
    _log.error("unhandled exception in a run", exc_info=error)
    return Verdict(outcome=Outcome.ERROR, error_kind=ErrorKind.INTERNAL, message="internal error")


def _timed_out(check: ScheduledCheck, seen: Observation) -> Verdict:
    if not check.spec.CONTACTS_TARGET:
        return _internal_error_message(InternalProbeError("timed out while reading from the database"))
    if seen.resolver_unresponsive:
        return _internal_error_message(InternalProbeError("the monitor's DNS resolvers did not respond"))
    if seen.resolved_ip is None:
        kind, phase = ErrorKind.DNS, "during DNS resolution"
    elif seen.connect_us is None and not seen.is_querying:
        kind, phase = ErrorKind.CONNECT_TIMEOUT, "while connecting"
    elif seen.in_handshake:
        kind, phase = ErrorKind.TIMEOUT, "during the TLS handshake"
    elif seen.ttfb_us is None:
        kind, phase = ErrorKind.TIMEOUT, "while waiting for the response"
    else:
        kind, phase = ErrorKind.TIMEOUT, "while reading the response"
    timeout_s = check.settings.timeout_us / SECOND_US
    return Verdict(outcome=Outcome.DOWN, error_kind=kind, message=f"timed out after {timeout_s:g} s {phase}")
