"""The results of a run: a table for people, bench/out/latest.json for machines."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

OUT = Path(__file__).resolve().parent / "out" / "latest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A figure with its target.

    Attributes:
        name: the name of the figure.
        value: the figure.
        unit: the unit.
        target: the target, such as "<= 50"; empty if there is none.
        ok: whether the target is met.
    """

    name: str
    value: float
    unit: str
    target: str
    ok: bool


def at_most(name: str, value: float, unit: str, most: float) -> Line:
    """Return a figure with a maximum."""
    return Line(name=name, value=round(value, 3), unit=unit, target=f"<= {most:g}", ok=value <= most)


def at_least(name: str, value: float, unit: str, least: float) -> Line:
    """Return a figure with a minimum."""
    return Line(name=name, value=round(value, 3), unit=unit, target=f">= {least:g}", ok=value >= least)


def figure(name: str, value: float, unit: str) -> Line:
    """Return a figure without a target."""
    return Line(name=name, value=round(value, 3), unit=unit, target="", ok=True)


def write(lines: list[Line]) -> None:
    """Print the table and write the file."""
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(line) for line in lines], indent=2) + "\n")
    width = max(len(line.name) for line in lines)
    for line in lines:
        mark = "  " if not line.target else "ok" if line.ok else "NO"
        sys.stdout.write(f"{mark}  {line.name:<{width}}  {line.value:>12,.3f} {line.unit:<12} {line.target}\n")
