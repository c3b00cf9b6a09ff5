"""Runs rows as the worker does: validates the check by the rules of the contract, then probes over real sockets."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

from google.protobuf import json_format
from sentinel.monitor.v1 import check_pb2

from services.checks.specs.heartbeat import HeartbeatSpec
from services.platform.clock import SECOND_US
from services.platform.egress.policy import EgressPolicy
from services.platform.errors import InvalidArgument
from services.platform.rest.body import BodyInspector
from services.platform.rest.contract import contract_routes
from services.platform.rpc.field_rules import FieldRules
from services.platform.security.tls_context import context_trusting
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.wire.tls import TlsContexts
from services.worker.heartbeats.heartbeat import HeartbeatReport, verdict_on
from services.worker.messages import try_draft
from services.worker.on_demand import TryDraft
from services.worker.probe import Prober
from tests.integration.real_world.identity import chain, trusted
from tests.integration.real_world.row import Row, Verdict
from tests.integration.real_world.servers import Http, Job, NameServer, Request, Tcp
from tests.integration.real_world.serving import Place, naming, serving
from tests.support.worker import a_scheduled_check

_LOOPBACK = EgressPolicy.parse("127.0.0.0/8, ::1/128")
_TIMEOUT = "30s"
_HOST = "shop.test"
# The limit of one row, so that a row that hangs does not fail others.
_LONGEST_S = 60.0
_AT_ONCE = 16
_DAY_S = 86_400


async def run_all(rows: Sequence[Row]) -> Mapping[str, Verdict | Exception]:
    """Return the verdict of each row by slug, or the exception that it raised."""
    for row in rows:
        # Certificates are made in advance: some keys take seconds, which must not count towards a deadline.
        if isinstance(row.target, Http | Tcp) and row.target.certificate is not None:
            chain(row.target.certificate)
    turn = asyncio.Semaphore(_AT_ONCE)
    async with AsyncExitStack() as stack:
        runner = _Runner(await stack.enter_async_context(naming(NameServer())))
        stack.push_async_callback(runner.close)

        async def end(row: Row) -> Verdict | Exception:
            # Rows that wait for a timeout need no CPU time, so the limit does not apply to them.
            try:
                if "timeout" in row.check:
                    return await asyncio.wait_for(runner.run(row), _LONGEST_S)
                async with turn:
                    return await asyncio.wait_for(runner.run(row), _LONGEST_S)
            except Exception as error:  # noqa: BLE001 — it is this row's, and its test raises it
                return error

        ends = await asyncio.gather(*map(end, rows))
    return {row.slug: each for row, each in zip(rows, ends, strict=True)}


def completed(row: Row, place: Place) -> dict[str, Any]:
    """Return the row's check as the JSON of a create request."""
    check: dict[str, Any] = _filled({"name": "row", **row.check}, place)
    fields = check[row.kind]
    secure = "$SECURE_PORT" in place.values
    port = place.values.get("$SECURE_PORT" if secure else "$PORT", "1")
    if row.kind == "http":
        url = f"https://{_HOST}:{port}/" if secure else f"http://127.0.0.1:{port}/"
        check["http"] = {"url": url, **fields}
    elif row.kind in {"tcp", "tls"}:
        check[row.kind] = {"host": _HOST if row.kind == "tls" else "127.0.0.1", "port": int(port), **fields}
        check[row.kind]["port"] = int(check[row.kind]["port"])
    elif row.kind == "grpc":
        check["grpc"] = {"address": f"127.0.0.1:{port}", **fields}
    if row.kind != "heartbeat":
        check = {"timeout": _TIMEOUT, **check}
    return check


class _Runner:
    """The parts that all rows share.

    Args:
        names: the port of the name server for rows without name servers.
    """

    def __init__(self, names: int) -> None:
        self._rules = FieldRules()
        self._tls = TlsContexts(lambda: context_trusting(trusted()))
        self._resolver = Resolver([f"127.0.0.1:{names}"])

    async def close(self) -> None:
        """Close the resolver."""
        await self._resolver.close()

    async def run(self, row: Row) -> Verdict:
        """Return the verdict of a row."""
        if isinstance(row.target, Request):
            return _read(row.target)
        async with serving(row) as place:
            try:
                draft = self._saved(completed(row, place))
            except InvalidArgument as error:
                # The first field in the error, and the whole message.
                return Verdict(outcome="REFUSED", kind=error.violations[0].field, says=error.message)
            if isinstance(row.target, Job):
                return _heard(draft, row.target)
            if not place.name_servers:
                return await self._probed(draft, self._resolver)
            resolver = Resolver(place.name_servers)
            try:
                return await self._probed(draft, resolver)
            finally:
                await resolver.close()

    def _saved(self, check: dict[str, Any]) -> TryDraft:
        """A check as it is saved.

        Raises:
            InvalidArgument: it is refused.
        """
        message = json_format.ParseDict(check, check_pb2.Check())
        self._rules.validate(message, "check")
        draft = try_draft(message)
        draft.spec.validate(f"check.{draft.spec.KIND}")
        return draft

    async def _probed(self, draft: TryDraft, resolver: Resolver) -> Verdict:
        prober = Prober(Network(resolver, _LOOPBACK, self._tls), worker_id="worker-1")
        seen = await prober.run(a_scheduled_check(spec=draft.spec, **asdict(draft.settings)), 0, 0)
        return Verdict(
            outcome=seen.outcome.name,
            kind=seen.error_kind.name if seen.error_kind else "",
            says=seen.error_message,
            status=seen.status_code,
            redirects=seen.redirects,
            attempt=seen.attempt,
        )


def _read(request: Request) -> Verdict:
    """Return the verdict on the body of a REST request; for an update, with the fields that it changes."""
    headers = {"content-type": "application/json"}
    try:
        told = BodyInspector(contract_routes()).inspect(request.method, request.path, headers, request.body)
    except InvalidArgument as error:
        at = error.violations[0].field if error.violations else ""
        return Verdict(outcome="REFUSED", kind=at, says=error.message)
    assert told is not None, "no route of REST"
    return Verdict(outcome="TAKEN", says=told.partition(" ")[2])


def _heard(draft: TryDraft, job: Job) -> Verdict:
    """Return the verdict on the signals of a job."""
    assert isinstance(draft.spec, HeartbeatSpec)
    now_us = 400 * _DAY_S * SECOND_US

    def ago(seconds: float | None) -> int | None:
        return None if seconds is None else now_us - int(seconds * SECOND_US)

    reported = HeartbeatReport(
        read_us=now_us,
        on_us=ago(job.on),
        signal_us=ago(job.signal),
        success_us=ago(job.success),
        exit_code=job.exit_code,
        failure_us=ago(job.failure),
        failure_code=job.failure_code,
        outage=job.outage and (now_us - int(job.outage[0] * SECOND_US), now_us - int(job.outage[1] * SECOND_US)),
    )
    verdict = verdict_on(draft.spec, reported)
    kind = verdict.error_kind.name if verdict.error_kind else ""
    return Verdict(outcome=verdict.outcome.name, kind=kind, says=verdict.message)


def _filled(value: Any, place: Place) -> Any:
    if isinstance(value, str):
        return place.fill(value)
    if isinstance(value, dict):
        return {key: _filled(each, place) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(each, place) for each in value]
    return value
