"""Conversions of the worker's responses to Protobuf, and of its requests from Protobuf."""

from sentinel.monitor.v1 import check_pb2, result_pb2, stream_pb2
from sentinel.probe.v1 import probe_service_pb2 as pb
from sentinel.probe.v1 import worker_pb2

from services.checks.assertion_outcome import to_message as outcome_message
from services.checks.check_settings import given_settings, settings_with_defaults
from services.checks.result import Result, to_message
from services.checks.specs.kinds import spec_of
from services.platform.clock import (
    from_datetime,
    from_duration,
    from_timestamp,
    now_us,
    to_datetime,
    to_duration,
    to_timestamp,
)
from services.platform.rpc.stream_guard import EndReason
from services.wire.body import Body
from services.wire.observation import Observation
from services.worker.judging.attempt_report import AttemptReport
from services.worker.judging.evaluation import EvaluationResult
from services.worker.on_demand import PhaseEnded, TryDraft
from services.worker.report import TenantWorker


def recorded_message(result: Result, cursor: str) -> pb.StreamResultsResponse:
    """Return the message of a recorded result, with the cursor from which the stream resumes after it."""
    return pb.StreamResultsResponse(result=pb.ResultEvent(result=to_message(result), cursor=cursor))


def unsaved_check_result(result: Result) -> result_pb2.CheckResult:
    """Return the result of a check that is not saved: without ids of a service and a check."""
    message = to_message(result)
    message.ClearField("service_id")
    message.ClearField("check_id")
    return message


def phase_message(phase: PhaseEnded) -> pb.PhaseEvent:
    """Return the event of a phase that ended."""
    return pb.PhaseEvent(phase=f"PHASE_{phase.phase.upper()}", elapsed=to_duration(phase.elapsed_us))


def facts_message(report: AttemptReport) -> pb.FactsEvent:
    """Return the event of what an attempt observed."""
    return pb.FactsEvent(
        attempt=report.attempt,
        resolved_ip=report.resolved_ip,
        status_code=report.status_code,
        headers=[pb.AnswerHeader(name=name, value=value) for name, value in report.headers],
        body_preview=report.preview,
        body_cut=report.is_cut,
        certificate_expire_time=to_timestamp(from_datetime(report.tls_not_after)) if report.tls_not_after else None,
        assertions=[outcome_message(each) for each in report.assertions],
    )


def try_draft(message: check_pb2.Check) -> TryDraft:
    """Return a check that is not saved, with defaults for absent settings."""
    spec = spec_of(message)
    return TryDraft(spec, settings_with_defaults(spec, given_settings(message)))


def given_answer(message: pb.GivenAnswer) -> Observation:
    """Return the response that a caller supplies as an observation; absent values are None."""
    not_after = None
    if message.HasField("certificate_expire_time"):
        not_after = to_datetime(from_timestamp(message.certificate_expire_time))
    return Observation(
        status_code=message.status_code or None,
        headers=[(each.name.encode(), each.value.encode()) for each in message.headers],
        body=Body((), message.body.encode(), truncated=False),
        total_us=from_duration(message.total) if message.HasField("total") else None,
        tls_not_after=not_after,
    )


def evaluated_message(evaluated: EvaluationResult) -> pb.EvaluateAssertionsResponse:
    """Return the outcomes of assertions as a response."""
    return pb.EvaluateAssertionsResponse(
        outcomes=[outcome_message(each) for each in evaluated.outcomes],
        outcome=evaluated.outcome.value if evaluated.outcome else None,  # type: ignore[arg-type] # the numbers are the contract's
        slow=evaluated.slow,
    )


def worker_message(worker: TenantWorker) -> worker_pb2.Worker:
    """Return a worker with the fields that a tenant may read."""
    return worker_pb2.Worker(
        id=worker.id,
        start_time=to_timestamp(worker.start_us),
        renew_time=to_timestamp(worker.renew_us),
        live=worker.live,
        checks_held=worker.checks_held,
    )


def heartbeat_message(cursor: str) -> stream_pb2.Heartbeat:
    """Return the keep-alive of a stream, with its cursor."""
    return stream_pb2.Heartbeat(time=to_timestamp(now_us()), cursor=cursor)


def end_message(reason: EndReason, cursor: str) -> stream_pb2.StreamEnd:
    """Return the last message of a stream, with the reason for its end."""
    return stream_pb2.StreamEnd(reason=f"STREAM_END_REASON_{reason.name}", cursor=cursor)
