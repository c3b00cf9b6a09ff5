"""One run of a check: attempts, redirects, one deadline over all of it; always an observation, never an exception."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import httpx

from services.common import logs
from services.common.outcome import ErrorKind, Outcome
from services.common.spec import HttpSpec
from services.worker.exchange import LONGEST_MESSAGE, Exchange, OnPhase, ProbeFailure
from services.worker.judge import Verdict, judge
from services.worker.redirect import MOST_REDIRECTS, next_request
from services.worker.transport import ProbeTransport

_log = logs.get("probe")
_AGENT = "SentinelStack"
_MOST_PREBUILT = 65_536


@dataclass(frozen=True, slots=True)
class Observation:
    """What a run saw; phases are those of the last hop of the last attempt, total_us is over all (semantics.md §8).

    Attributes:
        attempt: which attempt this is, from 1.
    """

    outcome: Outcome
    error_kind: ErrorKind | None
    error_message: str
    status_code: int | None
    dns_us: int | None
    connect_us: int | None
    tls_us: int | None
    ttfb_us: int | None
    transfer_us: int | None
    total_us: int
    resolved_ip: str | None
    http_version: str | None
    tls_not_after: datetime | None
    body_bytes: int | None
    redirects: int
    attempt: int


class _Run:
    """How far a run has come; what there is to tell when it ends, however it ends."""

    def __init__(self, on_phase: OnPhase | None) -> None:
        self.on_phase = on_phase
        self.exchange = Exchange(on_phase=on_phase)
        self.status: int | None = None
        self.redirects = 0
        self.attempt = 0

    def next_attempt(self) -> None:
        self.attempt += 1
        self.redirects = 0
        self.next_hop()

    def next_hop(self) -> Exchange:
        self.exchange = Exchange(on_phase=self.on_phase)
        self.status = None
        return self.exchange


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
        run = _Run(on_phase)
        start = time.perf_counter_ns()
        try:
            async with asyncio.timeout(timeout_s):
                verdict = await self._attempts(spec, retries, run)
        except TimeoutError:
            verdict = _timed_out(run.exchange, timeout_s)
        except Exception:  # noqa: BLE001 — a fault of ours is ERROR, never DOWN (§9)
            _log.exception("a run failed")
            verdict = Verdict(Outcome.ERROR, ErrorKind.INTERNAL, "internal error")
        return _observation(run, verdict, (time.perf_counter_ns() - start) // 1000)

    async def _attempts(self, spec: HttpSpec, retries: int, run: _Run) -> Verdict:
        while True:
            run.next_attempt()
            try:
                verdict = judge(spec, await self._status(spec, run))
            except ProbeFailure as failure:
                verdict = Verdict(Outcome.DOWN, failure.kind, failure.sentence)
            settled = verdict.outcome is Outcome.UP or verdict.error_kind is ErrorKind.BLOCKED_TARGET
            if settled or run.attempt > retries:
                return verdict

    async def _status(self, spec: HttpSpec, run: _Run) -> int:
        """The status code of the answer at the end of all redirects."""
        request, exchange = _prebuilt(spec), run.exchange
        while True:
            answer = await self._transport.exchange(request, exchange)
            run.status = answer.status
            following = next_request(request, answer.status, answer.headers) if spec.follow_redirects else None
            if following is None:
                return answer.status
            if run.redirects == MOST_REDIRECTS:
                raise ProbeFailure(ErrorKind.TOO_MANY_REDIRECTS, f"more than {MOST_REDIRECTS} redirects")
            run.redirects += 1
            request, exchange = following, run.next_hop()


@lru_cache(maxsize=_MOST_PREBUILT)
def _prebuilt(spec: HttpSpec) -> httpx.Request:
    headers = httpx.Headers(list(spec.headers))
    headers.setdefault("user-agent", _AGENT)
    headers.setdefault("accept", "*/*")
    return httpx.Request(spec.method, spec.url, headers=headers, content=spec.body or None)


def _timed_out(exchange: Exchange, timeout_s: float) -> Verdict:
    if exchange.resolved_ip is None:
        kind, waiting_for = ErrorKind.DNS, "the name server"
    elif exchange.connect_us is None:
        kind, waiting_for = ErrorKind.CONNECT_TIMEOUT, "a connection"
    elif exchange.ttfb_us is None:
        kind, waiting_for = ErrorKind.TIMEOUT, "an answer"
    else:
        kind, waiting_for = ErrorKind.TIMEOUT, "the rest of the answer"
    return Verdict(Outcome.DOWN, kind, f"waited {timeout_s:g} s in all, last for {waiting_for}")


def _observation(run: _Run, verdict: Verdict, total_us: int) -> Observation:
    exchange = run.exchange
    return Observation(
        outcome=verdict.outcome,
        error_kind=verdict.error_kind,
        error_message=verdict.message[:LONGEST_MESSAGE],
        status_code=run.status,
        dns_us=exchange.dns_us,
        connect_us=exchange.connect_us,
        tls_us=exchange.tls_us,
        ttfb_us=exchange.ttfb_us,
        transfer_us=exchange.transfer_us,
        total_us=total_us,
        resolved_ip=exchange.resolved_ip,
        http_version=exchange.http_version,
        tls_not_after=exchange.tls_not_after,
        body_bytes=exchange.body_bytes,
        redirects=run.redirects,
        attempt=run.attempt,
    )
