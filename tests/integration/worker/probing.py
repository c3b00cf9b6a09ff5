"""One run of a check, in few words."""

from typing import Any

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.worker.probe import Observation, Prober

PLENTY_S = 30.0


async def probe(prober: Prober, url: str, *, timeout_s: float = PLENTY_S, retries: int = 0, **spec: Any) -> Observation:
    """Run a check with this URL once."""
    return await prober.run(HttpSpec(url=url, **spec), timeout_s=timeout_s, retries=retries)


async def run(prober: Prober, spec: Spec, *, timeout_s: float = PLENTY_S) -> Observation:
    """Run a check of any kind once."""
    return await prober.run(spec, timeout_s=timeout_s, retries=0)


def verdict(seen: Observation) -> tuple[Outcome, ErrorKind | None]:
    """How a run ended."""
    return seen.outcome, seen.error_kind
