"""One run of a check: attempts, redirects, one deadline over all of it; always an observation, never an exception."""

import asyncio
import time

from services.common import logs
from services.common.outcome import ErrorKind, Outcome
from services.common.spec import HttpSpec
from services.worker.answer import LARGEST_BODY
from services.worker.content_coding import decoded
from services.worker.deadline import Deadline
from services.worker.exchange import LONGEST_MESSAGE, Observation, OnPhase, ProbeFailure
from services.worker.hop import first_hop, wire, wire_of
from services.worker.judge import Verdict, judge, judge_body
from services.worker.own_trouble import OwnTrouble, is_own, sentence
from services.worker.redirect import MOST_REDIRECTS, REDIRECTS, next_hop, origin
from services.worker.transport import Answer, ProbeTransport

__all__ = ["Observation", "Prober"]

_log = logs.get("probe")


class Prober:
    """Runs checks.

    Args:
        transport: sends one request.
    """

    def __init__(self, transport: ProbeTransport) -> None:
        self._transport = transport

    async def run(
        self, spec: HttpSpec, *, timeout_s: float, retries: int, on_phase: OnPhase | None = None
    ) -> Observation:
        """Run a check once.

        Args:
            spec: what to request and what to expect.
            timeout_s: over everything, from DNS to the last byte, retries and redirects included (§4).
            retries: quick further attempts before the verdict is DOWN (§10).
            on_phase: told each phase as it ends.
        """
        seen = Observation(on_phase=on_phase)
        start = time.perf_counter_ns()
        deadline = Deadline(timeout_s)
        try:
            verdict = await self._attempts(spec, retries, seen)
        except asyncio.CancelledError:
            if not deadline.passed():
                raise
            verdict = _timed_out(seen, timeout_s)
        except Exception as error:  # noqa: BLE001 — a fault of ours is ERROR, never DOWN (§9)
            verdict = _own(error)
        finally:
            deadline.clear()
        seen.outcome, seen.error_kind = verdict.outcome, verdict.error_kind
        seen.error_message = verdict.message[:LONGEST_MESSAGE]
        seen.total_us = (time.perf_counter_ns() - start) // 1000
        return seen

    async def _attempts(self, spec: HttpSpec, retries: int, seen: Observation) -> Verdict:
        while True:
            try:
                request = wire_of(spec)
                answer = await self._transport.exchange(request, seen)
                if spec.follow_redirects and answer.status in REDIRECTS:
                    answer = await self._follow(spec, answer, seen)
                verdict = _verdict(spec, answer)
            except ProbeFailure as failure:
                verdict = Verdict(Outcome.DOWN, failure.kind, failure.sentence)
            settled = verdict.outcome is Outcome.UP or verdict.error_kind is ErrorKind.BLOCKED_TARGET
            if settled or seen.attempt > retries:
                return verdict
            seen.next_attempt()

    async def _follow(self, spec: HttpSpec, answer: Answer, seen: Observation) -> Answer:
        """The answer at the end of all redirects."""
        hop, tls = first_hop(spec), spec.tls
        while (following := next_hop(hop, answer.status, answer.headers)) is not None:
            if seen.redirects == MOST_REDIRECTS:
                raise ProbeFailure(ErrorKind.TOO_MANY_REDIRECTS, f"more than {MOST_REDIRECTS} redirects")
            if origin(following.url) != origin(hop.url):
                tls = tls.elsewhere()
            hop = following
            seen.next_hop()
            answer = await self._transport.exchange(wire(hop, keep_body=spec.reads_body, tls=tls), seen)
        return answer


def _verdict(spec: HttpSpec, answer: Answer) -> Verdict:
    verdict = judge(spec, answer.status)
    if not spec.reads_body or verdict.outcome is not Outcome.UP:
        return verdict
    body, truncated = decoded(answer.headers, answer.body, LARGEST_BODY, truncated=answer.truncated)
    return judge_body(spec, body, truncated=truncated)


def _own(error: Exception) -> Verdict:
    if isinstance(error, OwnTrouble):
        return Verdict(Outcome.ERROR, ErrorKind.INTERNAL, str(error))
    if is_own(error):
        return Verdict(Outcome.ERROR, ErrorKind.INTERNAL, sentence(error))
    _log.error("a run failed", exc_info=error)
    return Verdict(Outcome.ERROR, ErrorKind.INTERNAL, "internal error")


def _timed_out(seen: Observation, timeout_s: float) -> Verdict:
    if seen.resolved_ip is None:
        kind, waiting_for = ErrorKind.DNS, "the name server"
    elif seen.connect_us is None:
        kind, waiting_for = ErrorKind.CONNECT_TIMEOUT, "a connection"
    elif seen.shakes_hands:
        kind, waiting_for = ErrorKind.TIMEOUT, "the TLS handshake"
    elif seen.ttfb_us is None:
        kind, waiting_for = ErrorKind.TIMEOUT, "an answer"
    else:
        kind, waiting_for = ErrorKind.TIMEOUT, "the rest of the answer"
    return Verdict(Outcome.DOWN, kind, f"waited {timeout_s:g} s in all, last for {waiting_for}")
