"""The evaluation of assertions on a supplied response or a recorded result, without a request to the target."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.assertion_outcome import AssertionOutcome, AssertionStatus
from services.checks.outcome import Outcome
from services.checks.result import Result
from services.checks.specs.assertion_validation import validate_assertions
from services.checks.specs.assertions import Assertion, CertificateLasts, PhaseWithin, StatusIs, TotalTimeWithin
from services.platform.clock import now_us, to_datetime
from services.platform.errors import NotFound
from services.wire.observation import Observation
from services.worker.cpu_queue import CpuQueue
from services.worker.judging.cost import ON_LOOP_US, cost_us
from services.worker.judging.descriptions import outcome_of
from services.worker.judging.findings import evaluate_assertion

if TYPE_CHECKING:
    from services.worker.store.tenant import TenantStore


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """The outcomes of assertions.

    Attributes:
        outcomes: one per assertion.
        outcome: UP or DOWN by these assertions alone; None if it depends on unknown values.
        slow: whether a run with these outcomes is flagged as slow.
    """

    outcomes: Sequence[AssertionOutcome]
    outcome: Outcome | None
    slow: bool


class Evaluation:
    """Evaluates assertions.

    Args:
        store: reads recorded results.
        cpu: runs expensive evaluations off the event loop, and charges tenants for CPU time.
    """

    def __init__(self, store: "TenantStore", cpu: CpuQueue | None = None) -> None:
        self._store = store
        self._cpu = cpu or CpuQueue()

    async def of_given(self, assertions: Sequence[Assertion], given: Observation, tenant_id: UUID) -> EvaluationResult:
        """Evaluate assertions on a supplied response; None in it means unknown.

        Raises:
            InvalidArgument: an assertion is invalid.
            ResourceExhausted: OVERLOADED: the tenant's calls exceed its share of CPU time.
        """
        self._cpu.refuse_excess(tenant_id)
        self._cpu.run_here(tenant_id, partial(validate_assertions, assertions, "assertions"))
        work = partial(of_given, assertions, given)
        # Cheap evaluations do not wait behind expensive ones in the queue.
        if cost_us(assertions, given) <= ON_LOOP_US:
            return self._cpu.run_here(tenant_id, work)
        return await self._cpu.run(tenant_id, work)

    async def of_recorded(
        self,
        assertions: Sequence[Assertion],
        tenant_id: UUID,
        service_id: UUID,
        check_id: UUID,
        slot_us: int,
        *,
        on_demand: bool,
    ) -> EvaluationResult:
        """Evaluate assertions on a recorded result, which holds the status, the times and the certificate's expiry.

        Args:
            assertions: the assertions.
            tenant_id: the tenant.
            service_id: the service.
            check_id: the check.
            slot_us: the slot of the result, in microseconds since the epoch.
            on_demand: whether the result is that of an on-demand run.

        Raises:
            InvalidArgument: an assertion is invalid.
            NotFound: CHECK_NOT_FOUND, RESULT_NOT_FOUND.
            ResourceExhausted: OVERLOADED: the tenant's calls exceed its share of CPU time.
        """
        self._cpu.refuse_excess(tenant_id)
        self._cpu.run_here(tenant_id, partial(validate_assertions, assertions, "assertions"))
        if not await self._store.has_check_of(tenant_id, service_id, check_id):
            raise NotFound(reasons.ERROR_REASON_CHECK_NOT_FOUND, "Check not found.")
        result = await self._store.find_result(tenant_id, check_id, slot_us, on_demand=on_demand)
        if result is None:
            raise NotFound(reasons.ERROR_REASON_RESULT_NOT_FOUND, "Result not found.")
        return of_result(assertions, result)


def of_given(assertions: Sequence[Assertion], given: Observation) -> EvaluationResult:
    """Evaluate assertions on a supplied response; None in it means unknown."""

    def known(assertion: Assertion) -> bool:
        match assertion:
            case StatusIs():
                return given.status_code is not None
            case CertificateLasts():
                return given.tls_not_after is not None
            case TotalTimeWithin():
                return given.total_us is not None
            case _:
                return not isinstance(assertion, PhaseWithin)

    return evaluate(assertions, given, now_us(), known)


def of_result(assertions: Sequence[Assertion], result: Result) -> EvaluationResult:
    """Evaluate assertions on a recorded result; the certificate is judged at the start time of the run."""
    not_after = None if result.tls_not_after_us is None else to_datetime(result.tls_not_after_us)
    seen = Observation(
        status_code=result.status_code,
        dns_us=result.dns_us,
        connect_us=result.connect_us,
        tls_us=result.tls_us,
        ttfb_us=result.ttfb_us,
        transfer_us=result.transfer_us,
        total_us=result.total_us,
        tls_not_after=not_after,
    )
    answered = result.status_code is not None

    def known(assertion: Assertion) -> bool:
        match assertion:
            case StatusIs() | TotalTimeWithin() | PhaseWithin():
                return answered
            case _:
                return isinstance(assertion, CertificateLasts) and not_after is not None

    return evaluate(assertions, seen, result.start_us or result.slot_us, known)


def evaluate(
    assertions: Sequence[Assertion], seen: Observation, judged_us: int, known: Callable[[Assertion], bool]
) -> EvaluationResult:
    """Evaluate assertions.

    Args:
        assertions: the assertions.
        seen: the observations.
        judged_us: the time of judging in microseconds since the epoch, for certificates.
        known: returns whether the observations contain the value that an assertion tests.
    """
    outcomes = [
        outcome_of(each, evaluate_assertion(each, seen, judged_us) if known(each) else None, index, ())
        for index, each in enumerate(assertions)
    ]
    decisive = {each.status for each in outcomes if not each.only_slow}
    outcome: Outcome | None = Outcome.UP
    if AssertionStatus.FAILED in decisive:
        outcome = Outcome.DOWN
    elif AssertionStatus.UNKNOWN in decisive:
        outcome = None
    is_slow = any(each.only_slow and each.status is AssertionStatus.FAILED for each in outcomes)
    return EvaluationResult(outcomes, outcome, slow=is_slow and outcome is Outcome.UP)
