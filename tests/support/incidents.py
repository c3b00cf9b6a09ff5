"""The incidents of a check's whole history by the text of the rule: a model for the product.

Slots are numbers; each ends as an outcome.
"""

from collections.abc import Sequence

from services.checks.outcome import Outcome

Incident = tuple[int, int | None]
"""Its first slot, and the slot that it ends at; None while it is open."""


def runs(history: Sequence[Outcome]) -> list[tuple[Outcome, list[int]]]:
    """Return the runs of UP and of DOWN, each with its slots; ERROR and MISSED are omitted."""
    found: list[tuple[Outcome, list[int]]] = []
    for slot, outcome in enumerate(history):
        if outcome in (Outcome.UP, Outcome.DOWN):
            if not found or found[-1][0] is not outcome:
                found.append((outcome, []))
            found[-1][1].append(slot)
    return found


def incidents_of(history: Sequence[Outcome], failure: int, recovery: int) -> list[Incident]:
    """Return the incidents of a history with these thresholds."""
    found: list[Incident] = []
    is_down = False
    for outcome, slots in runs(history):
        if outcome is Outcome.DOWN and len(slots) >= failure and not is_down:
            is_down = True
            found.append((slots[0], None))
        if outcome is Outcome.UP and len(slots) >= recovery and is_down:
            is_down = False
            found[-1] = (found[-1][0], slots[0])
    return found
