"""One run of a check, in few words."""

from typing import Any
from uuid import UUID

from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.platform.clock import SECOND_US, now_us
from services.wire.observation import OnPhase
from services.worker.probe import Prober
from tests.support.worker import PLENTY_S, a_check_of

__all__ = ["PLENTY_S", "probe", "run", "verdict"]
_TENANT = UUID(int=1)


async def probe(prober: Prober, url: str, *, timeout_s: float = PLENTY_S, retries: int = 0, **spec: Any) -> Result:
    """Run a check with this URL once."""
    return await run(prober, HttpSpec(url=url, **spec), timeout_s=timeout_s, retries=retries)


async def run(
    prober: Prober,
    spec: Spec,
    *,
    timeout_s: float = PLENTY_S,
    retries: int = 0,
    retry_delay_s: float = 0.25,
    tenant_id: UUID = _TENANT,
    on_phase: OnPhase | None = None,
) -> Result:
    """Run a check of any kind once."""
    delay_us, start_us = round(retry_delay_s * SECOND_US), now_us()
    check = a_check_of(spec, timeout_s, retries=retries, retry_delay_us=delay_us, tenant_id=tenant_id)
    return await prober.run(check, start_us, start_us, on_phase=on_phase)


def verdict(result: Result) -> tuple[Outcome, ErrorKind | None]:
    """How a run ended."""
    return result.outcome, result.error_kind
