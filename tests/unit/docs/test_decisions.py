"""Decisions (docs/adr) have one shape, and the index lists each with its title, status and date."""

import re
from pathlib import Path

import pytest

from tests.unit.docs.test_links import ROOT

FOLDER = ROOT / "docs" / "adr"
_SHAPE = re.compile(
    r"# (?P<number>\d{4}): (?P<title>[^\n]+)\n\n"
    r"\*\*Status:\*\* (?P<status>[^·]+)\s·\s\*\*Date:\*\* (?P<date>\d{4}-\d\d-\d\d)[^\n]*\n\n"
    r"## Context\n\n(?P<context>.+?)\n\n## Decision\n\n(?P<decision>.+?)\n\n## Consequences\n\n(?P<consequences>.+)",
    re.DOTALL,
)
_SUPERSEDED = re.compile(r"Superseded by \[(?P<by>\d{4})\]\((?P<link>\d{4}-[a-z0-9-]+\.md)\)(?P<rest>.*)", re.DOTALL)
_OTHER_SECTION = re.compile(r"^## (?!Context$|Decision$|Consequences$).*", re.MULTILINE)


def faults(name: str, text: str) -> list[str]:
    """Return what is wrong with the shape of a decision.

    Args:
        name: of its file.
        text: of the file.
    """
    found = _SHAPE.fullmatch(text)
    if found is None:
        return ["is not a title, Status and Date, Context, Decision and Consequences"]
    wrong = [f"has another section: {heading}" for heading in _OTHER_SECTION.findall(text)]
    if not name.startswith(f"{found['number']}-"):
        wrong.append("has another number than its file")
    if not found["status"].startswith("Accepted") and _SUPERSEDED.match(found["status"]) is None:
        wrong.append("is neither accepted nor superseded by another one")
    return wrong


def row_of(name: str, text: str) -> str:
    """Return the row of the index for a decision of the right shape."""
    found = _SHAPE.fullmatch(text)
    assert found is not None, name
    superseded = _SUPERSEDED.match(found["status"])
    status = "Accepted"
    if superseded:
        status = f"Superseded by [{superseded['by']}]({superseded['link']})"
        status += " in part" if "about" in superseded["rest"] else ""
    return f"| [{found['number']}]({name}) | {found['title']} | {status} | {found['date']} |"


def decisions() -> list[Path]:
    return sorted(FOLDER.glob("[0-9]*.md"))


def test_each_decision_has_the_shape() -> None:
    assert decisions()
    assert {path.name: wrong for path in decisions() if (wrong := faults(path.name, path.read_text()))} == {}


def test_numbers_are_given_once_and_in_order() -> None:
    assert [int(path.name[:4]) for path in decisions()] == list(range(1, len(decisions()) + 1))


def test_the_index_lists_each_decision_and_no_other() -> None:
    rows = [line for line in (FOLDER / "README.md").read_text().splitlines() if re.match(r"\| \[\d", line)]
    assert rows == [row_of(path.name, path.read_text()) for path in decisions()]


def test_a_decision_that_is_superseded_is_named_by_the_one_that_supersedes_it() -> None:
    superseded = {path: found for path in decisions() if (found := re.search(_SUPERSEDED, path.read_text()))}
    assert superseded
    for path, found in superseded.items():
        assert re.search(rf"Supersedes\s\[\d{{4}}\]\({re.escape(path.name)}\)", (FOLDER / found["link"]).read_text())


RIGHT = """# 0001: Do it

**Status:** Accepted · **Date:** 2026-11-24

## Context

Why.

## Decision

What.

## Consequences

Cost.
"""


@pytest.mark.parametrize(
    ("name", "text", "wrong"),
    [
        ("0001-do-it.md", RIGHT, []),
        ("0001-do-it.md", RIGHT.replace("Accepted", "Superseded by [0002](0002-other.md)"), []),
        ("0002-do-it.md", RIGHT, ["has another number than its file"]),
        ("0001-do-it.md", RIGHT.replace("Accepted", "Fine"), ["is neither accepted nor superseded by another one"]),
        ("0001-do-it.md", RIGHT.replace("## Consequences", "## Price\n\nMuch.\n\n## Consequences"), ["## Price"]),
        ("0001-do-it.md", RIGHT.replace("**Date:** 2026-11-24", ""), ["Status and Date"]),
        ("0001-do-it.md", RIGHT.replace("## Context", "## Problem"), ["Context"]),
        ("0001-do-it.md", RIGHT.replace("Cost.\n", ""), ["Consequences"]),
    ],
)
def test_another_shape_is_found(name: str, text: str, wrong: list[str]) -> None:
    found = faults(name, text)
    assert len(found) == len(wrong)
    assert all(part in fault for part, fault in zip(wrong, found, strict=True))
