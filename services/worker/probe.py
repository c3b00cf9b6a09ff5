"""One run of a check: attempts, one deadline over all of them; always an observation, never an exception."""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias, TypeVar
from uuid import UUID

from services.checks.check_settings import DEFAULTS
from services.checks.failed_attempt import FailedAttempt
from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.secrets import masked
from services.checks.specs.spec import Spec
from services.checks.tenant_egress import TenantEgress
from services.platform import logs
from services.platform.clock import SECOND_US, now_us
from services.platform.errors import Unavailable
from services.wire.deadline import Deadline
from services.wire.network import Network
from services.wire.observation import Observation, OnPhase
from services.wire.own_trouble import OwnTrouble, is_own, sentence
from services.wire.probe_failure import LONGEST_MESSAGE, ProbeFailure
from services.worker.cpu_queue import CpuQueue
from services.worker.heartbeats.signals import Signals
from services.worker.judging.cost import ON_LOOP_US, cost_us
from services.worker.judging.findings import Examined
from services.worker.judging.judge import Verdict, judge
from services.worker.judging.learned import Learned, learned
from services.worker.kinds.every import every_kind
from services.worker.kinds.kind import Kind, Probe
from services.worker.kinds.sealed import SealedProbe, SealedSpec

__all__ = ["Observation", "Prober"]

_log = logs.get("probe")
# What a run of an ordinary check takes; it is not charged.
_FREE_NS = 2_000_000
# Judging that may take longer is measured.
_UNMEASURED_US = 500
# What an attempt needs at the least: the contract's shortest timeout.
_LEAST_S = 0.01
_NOBODY = UUID(int=0)
_T = TypeVar("_T")
OnFacts: TypeAlias = Callable[[Learned], None]
"""Told what an attempt learned."""


class Prober:
    """Runs checks.

    Args:
        network: the way to targets.
        signals: what jobs have reported; without a database to read it from, heartbeats cannot be run.
        cpu: runs judging that takes long, and charges tenants.
        egress: knows tenants where the egress policy names some; without it no tenant is among them.
    """

    def __init__(
        self,
        network: Network,
        signals: Signals | None = None,
        cpu: CpuQueue | None = None,
        egress: TenantEgress | None = None,
    ) -> None:
        self._network = network
        self._egress = egress
        self._cpu = cpu or CpuQueue()
        self._kinds: Mapping[type[Spec], Kind] = {**every_kind(signals), SealedSpec: SealedProbe}

    def probe_of(self, spec: Spec) -> Probe:
        """Return the probe of a spec, to give to each of its runs."""
        return self._kinds[type(spec)](spec)

    async def run(
        self,
        spec: Spec,
        *,
        probe: Probe | None = None,
        timeout_s: float,
        retries: int,
        retry_delay_s: float = DEFAULTS.retry_delay_us / SECOND_US,
        on_phase: OnPhase | None = None,
        on_facts: OnFacts | None = None,
        tenant_id: UUID = _NOBODY,
    ) -> Observation:
        """Run a check once.

        Args:
            spec: what to probe and what to expect.
            probe: the spec's, where it is run more than once; by default one for this run.
            timeout_s: over everything, from DNS to the last byte, retries and redirects included (semantics.md §4).
            retries: further attempts before the verdict is DOWN (semantics.md §10), as many as there is time for.
            retry_delay_s: the pause before the first of them; twice as long before the second, and so on.
            on_phase: told each phase as it ends.
            on_facts: told what each attempt that got an answer learned, once it is judged.
            tenant_id: who is charged for processor time beyond what an ordinary run takes.
        """
        start = time.perf_counter_ns()
        deadline = Deadline(timeout_s)
        seen = Observation(on_phase=on_phase)
        seen.off_loop = _OffLoop(self._cpu, tenant_id, deadline, seen)
        try:
            verdict = await self._attempts(
                spec,
                probe or self.probe_of(spec),
                _Retries(retries, retry_delay_s, deadline),
                seen,
                start,
                on_facts,
                tenant_id,
            )
        except asyncio.CancelledError:
            if not deadline.passed():
                raise
            verdict = (
                _timed_out(seen, timeout_s)
                if spec.ASKS
                else _own(OwnTrouble("timed out while reading from the database"))
            )
        except Exception as error:  # noqa: BLE001 — an internal error is ERROR, never DOWN (semantics.md §9)
            verdict = _own(error)
        finally:
            deadline.clear()
            seen.off_loop = None  # it holds the run's observation: both would wait for the garbage collector
            if seen.cpu_ns > _FREE_NS:
                self._cpu.charge(tenant_id, (seen.cpu_ns - _FREE_NS) // 1000)
        seen.outcome, seen.error_kind = verdict.outcome, verdict.error_kind
        seen.failed_assertions, seen.slow = verdict.failed, verdict.slow
        if verdict.outcome is Outcome.DOWN:
            seen.skipped_attempts = retries + 1 - seen.attempt
        if verdict.message:
            seen.error_message = _told(spec, verdict.message, _skipped(seen.skipped_attempts))
        seen.total_us = (time.perf_counter_ns() - start - seen.waited_ns) // 1000
        return seen

    async def _attempts(
        self,
        spec: Spec,
        probe: Probe,
        retries: "_Retries",
        seen: Observation,
        start_ns: int,
        on_facts: OnFacts | None,
        tenant_id: UUID,
    ) -> Verdict:
        network = self._network
        if self._egress is not None:
            network = network.of(await _slug(self._egress, tenant_id))
        while True:
            try:
                facts = await probe.attempt(network, seen)
            except ProbeFailure as failure:
                verdict = Verdict(outcome=Outcome.DOWN, error_kind=failure.kind, message=failure.sentence)
            else:
                seen.total_us = (time.perf_counter_ns() - start_ns - seen.waited_ns) // 1000
                examined = Examined(facts, seen, now_us())
                cost = cost_us(spec.assertions, facts)
                verdict = await _judged(spec, cost, examined, judge)
                if verdict.trouble is not None:
                    _log.error("an assertion could not be evaluated", exc_info=verdict.trouble)
                if on_facts is not None:
                    on_facts(await _judged(spec, cost, examined, learned))
            if verdict.outcome is not Outcome.DOWN or verdict.error_kind is None or not await retries.wait(seen):
                return verdict
            failed = FailedAttempt(verdict.error_kind, _told(spec, verdict.message), seen.status_code)
            seen.next_attempt(failed)


def pause_before(attempt: int, delay_s: float) -> float:
    """Return the pause before an attempt, in seconds; it doubles from attempt to attempt, and the first has none."""
    return float(delay_s * 2 ** (attempt - 2))


class _Retries:
    """Which further attempts a run may make, and when.

    Args:
        count: how many at the most.
        delay_s: the pause before the first of them.
        deadline: the run's.
    """

    __slots__ = ("_count", "_deadline", "_delay_s")

    def __init__(self, count: int, delay_s: float, deadline: Deadline) -> None:
        self._count = count
        self._delay_s = delay_s
        self._deadline = deadline

    async def wait(self, seen: Observation) -> bool:
        """Pause before another attempt; False at once where none is left, or would have no time."""
        if seen.attempt > self._count:
            return False
        pause_s = pause_before(seen.attempt + 1, self._delay_s)
        if pause_s + _LEAST_S > self._deadline.left_s:
            return False
        began_ns = time.perf_counter_ns()
        await asyncio.sleep(pause_s)
        seen.waited_ns += time.perf_counter_ns() - began_ns
        return True


class _OffLoop:
    """A run's way to the queue for work that takes long; its deadline stands still meanwhile."""

    __slots__ = ("_cpu", "_deadline", "_seen", "_tenant_id")

    def __init__(self, cpu: CpuQueue, tenant_id: UUID, deadline: Deadline, seen: Observation) -> None:
        self._cpu = cpu
        self._tenant_id = tenant_id
        self._deadline = deadline
        self._seen = seen

    async def __call__(self, work: Callable[[], _T]) -> _T:
        began_ns = time.perf_counter_ns()
        self._deadline.pause()
        try:
            return await self._cpu.run(self._tenant_id, work)
        finally:
            self._deadline.resume()
            self._seen.waited_ns += time.perf_counter_ns() - began_ns


async def _slug(egress: TenantEgress, tenant_id: UUID) -> str:
    try:
        return await egress.slug_of(tenant_id)
    except Unavailable as error:
        raise OwnTrouble("database unavailable: the egress policy of the tenant could not be read") from error


async def _judged(spec: Spec, cost: float, examined: Examined, work: Callable[[Spec, Examined], _T]) -> _T:
    """Judge where it holds up nobody else."""
    seen = examined.seen
    if cost <= _UNMEASURED_US:
        return work(spec, examined)
    if cost > ON_LOOP_US and seen.off_loop is not None:
        return await seen.off_loop(partial(work, spec, examined))
    began_ns = time.thread_time_ns()
    try:
        return work(spec, examined)
    finally:
        seen.cpu_ns += time.thread_time_ns() - began_ns


def _told(spec: Spec, message: str, remark: str = "") -> str:
    """A message as results have it: without secrets, cut to size, with a remark that is not cut."""
    return masked(message, spec.secrets())[: LONGEST_MESSAGE - len(remark)] + remark


def _skipped(count: int) -> str:
    if not count:
        return ""
    return f"; no time left for {count} more attempt{'s' if count > 1 else ''}"


def _own(error: Exception) -> Verdict:
    if isinstance(error, OwnTrouble):
        return Verdict(outcome=Outcome.ERROR, error_kind=error.kind, message=str(error))
    if is_own(error):
        return Verdict(outcome=Outcome.ERROR, error_kind=ErrorKind.INTERNAL, message=sentence(error))
    _log.error("unhandled exception in a run", exc_info=error)
    return Verdict(outcome=Outcome.ERROR, error_kind=ErrorKind.INTERNAL, message="internal error")


def _timed_out(seen: Observation, timeout_s: float) -> Verdict:
    if seen.names_were_silent:
        return _own(OwnTrouble("the monitor's DNS resolvers did not respond"))
    if seen.resolved_ip is None:
        kind, phase = ErrorKind.DNS, "during DNS resolution"
    elif seen.connect_us is None and not seen.asks:
        kind, phase = ErrorKind.CONNECT_TIMEOUT, "while connecting"
    elif seen.shakes_hands:
        kind, phase = ErrorKind.TIMEOUT, "during the TLS handshake"
    elif seen.ttfb_us is None:
        kind, phase = ErrorKind.TIMEOUT, "while waiting for the response"
    else:
        kind, phase = ErrorKind.TIMEOUT, "while reading the response"
    return Verdict(outcome=Outcome.DOWN, error_kind=kind, message=f"timed out after {timeout_s:g} s {phase}")
