"""What a run measured: a table for people, bench/out/latest.json for machines."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

OUT = Path(__file__).resolve().parent / "out" / "latest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A figure and what it should be.

    Attributes:
        name: what was measured.
        value: the figure.
        unit: what it counts.
        target: what it should be, as "<= 50"; empty when it is only told.
        ok: whether it is.
    """

    name: str
    value: float
    unit: str
    target: str
    ok: bool


def at_most(name: str, value: float, unit: str, most: float) -> Line:
    """A figure that should not be larger."""
    return Line(name=name, value=round(value, 3), unit=unit, target=f"<= {most:g}", ok=value <= most)


def at_least(name: str, value: float, unit: str, least: float) -> Line:
    """A figure that should not be smaller."""
    return Line(name=name, value=round(value, 3), unit=unit, target=f">= {least:g}", ok=value >= least)


def told(name: str, value: float, unit: str) -> Line:
    """A figure without a target."""
    return Line(name=name, value=round(value, 3), unit=unit, target="", ok=True)


def write(lines: list[Line]) -> None:
    """Print the table and write the file."""
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(line) for line in lines], indent=2) + "\n")
    width = max(len(line.name) for line in lines)
    for line in lines:
        mark = "  " if not line.target else "ok" if line.ok else "NO"
        sys.stdout.write(f"{mark}  {line.name:<{width}}  {line.value:>12,.3f} {line.unit:<12} {line.target}\n")
