"""The CPU time of a verdict: on the status alone, as most are, and on five assertions over a JSON body of 10 KB."""

import time
from collections.abc import Callable
from pathlib import Path

import orjson

from bench.report import Line, at_most, figure
from services.checks.outcome import Outcome
from services.checks.specs.assertions import BodyContains, BodyMatches, HeaderIs, JsonPathIs, StatusIs, TotalTimeWithin
from services.checks.specs.http import HttpSpec
from services.wire.body import Body
from services.wire.observation import Observation
from services.worker.judging.judge import judge

_ROUNDS = 5
_VERDICTS = {"plain": 50_000, "five": 2_000}
_HEADERS = ((b"content-type", b"application/json"),)
_PARTS = [
    {"id": number, "name": f"part {number}", "state": "up", "latency": number / 7, "tags": ["eu", "db"]}
    for number in range(120)
]
_JSON = orjson.dumps({"parts": _PARTS, "version": "1.20.3", "status": "ok"})
_FIVE = (
    StatusIs(ranges=("200-299",)),
    HeaderIs("Content-Type", "contains", "json"),
    BodyContains('"status":"ok"'),
    JsonPathIs("$.parts[*].state", "equals", "up"),
    BodyMatches(r'"version":"1\.\d+'),
)


def measure(_folder: Path) -> list[Line]:
    """Measure both."""
    plain, five = HttpSpec(url="http://t/"), HttpSpec(url="http://t/", asserted=_FIVE)
    slow = HttpSpec(url="http://t/", asserted=(*_FIVE, TotalTimeWithin(1)))
    kilobytes = len(_JSON) / 1_000

    def verdict(spec: HttpSpec, outcome: Outcome) -> Callable[[], None]:
        def once() -> None:
            body = Body(_HEADERS, _JSON, truncated=False)
            seen = Observation(status_code=200, headers=_HEADERS, body=body, total_us=2)
            if judge(spec, seen, 0).outcome is not outcome:
                raise RuntimeError("the verdict is another one")

        return once

    return [
        figure("verdict on the status alone", _least(verdict(plain, Outcome.UP), _VERDICTS["plain"]), "us"),
        at_most(
            f"verdict on five assertions over {kilobytes:.0f} KB of JSON",
            _least(verdict(five, Outcome.UP), _VERDICTS["five"]),
            "us",
            150,
        ),
        figure("the same with one more that fails", _least(verdict(slow, Outcome.DOWN), _VERDICTS["five"]), "us"),
    ]


def _least(run: Callable[[], None], times: int) -> float:
    """Return microseconds of CPU time each, the minimum of a few rounds."""
    rounds = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        for _ in range(times):
            run()
        rounds.append((time.process_time() - start) / times * 1e6)
    return min(rounds)
