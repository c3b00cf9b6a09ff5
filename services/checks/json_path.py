"""JSONPath (RFC 9535) over parsed JSON, with bounds: a library parses the expression, this module evaluates it.

The library's evaluation creates an object with a path for every visited value, and has no bound; this one counts the
visited values. Filters are refused, because their cost is not linear.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any, TypeAlias

from jsonpath import JSONPathEnvironment
from jsonpath.exceptions import JSONPathError
from jsonpath.segments import JSONPathChildSegment
from jsonpath.selectors import IndexSelector, NameSelector, SliceSelector, WildcardSelector

MOST_LOOKED_AT = 10_000
_MOST_KEPT = 4_096
_LONGEST_REASON = 100
_ENVIRONMENT = JSONPathEnvironment(strict=True)


class _AllChildren:
    """The step to all children."""


class _Descendants:
    """The step to the value itself and all its descendants."""


_ALL_CHILDREN, _DESCENDANTS = _AllChildren(), _Descendants()
Step: TypeAlias = "str | int | slice | _AllChildren | _Descendants"


class TooManyValuesError(Exception):
    """A path visits more values than allowed."""


@lru_cache(maxsize=_MOST_KEPT)
def steps_of(path: str) -> Sequence[Step]:
    """Parse a path into its steps.

    Raises:
        ValueError: it is not a JSONPath, or not a supported one, for the reason in the message.
    """
    try:
        query = _ENVIRONMENT.compile(path)
    except (JSONPathError, RecursionError) as error:
        reason = "nesting is too deep" if isinstance(error, RecursionError) else error.args[0]
        raise ValueError(f"invalid JSONPath: {str(reason)[:_LONGEST_REASON]}") from error
    segments = getattr(query, "segments", None)
    if segments is None:
        raise ValueError("must be a single JSONPath")
    steps: list[Step] = []
    for segment in segments:
        if not isinstance(segment, JSONPathChildSegment):
            steps.append(_DESCENDANTS)
        if len(segment.selectors) != 1:
            raise ValueError("union selectors such as ['a','b'] are not supported")
        steps.append(_step(segment.selectors[0]))
    return tuple(steps)


def _step(selector: object) -> Step:
    if isinstance(selector, NameSelector):
        return selector.name
    if isinstance(selector, IndexSelector):
        return selector.index
    if isinstance(selector, SliceSelector):
        return selector.slice
    if isinstance(selector, WildcardSelector):
        return _ALL_CHILDREN
    raise ValueError("selectors must be names, indices, slices or wildcards; filter expressions are not supported")


def find(steps: Sequence[Step], document: Any) -> Sequence[Any]:  # noqa: ANN401 — any JSON
    """Return the values that the steps select, in the document's order.

    Raises:
        TooManyValuesError: too many values are visited.
    """
    values, room = [document], MOST_LOOKED_AT
    for step in steps:
        if isinstance(step, str):
            values = [value[step] for value in values if isinstance(value, dict) and step in value]
        elif isinstance(step, int):
            values = [value[step] for value in values if isinstance(value, list) and -len(value) <= step < len(value)]
        else:
            values = list(islice(_select_many(step, values), room + 1))
        room -= len(values)
        if room < 0:
            raise TooManyValuesError
    return values


def _select_many(step: "slice | _AllChildren | _Descendants", values: Sequence[Any]) -> Iterator[Any]:
    """Return the values that a step selects which may select several from each value."""
    if isinstance(step, slice):
        return chain.from_iterable(_sliced(value, step) for value in values)
    return chain.from_iterable(map(_children if isinstance(step, _AllChildren) else _descendants, values))


def _sliced(value: Any, wanted: slice) -> Iterator[Any]:  # noqa: ANN401 — any JSON
    """Return the items that a slice selects; a step of 0 selects nothing (RFC 9535 §2.3.4.2.2)."""
    if not isinstance(value, list) or wanted.step == 0:
        return iter(())
    return (value[index] for index in range(*wanted.indices(len(value))))


def _children(value: Any) -> Iterator[Any]:  # noqa: ANN401 — any JSON
    if isinstance(value, dict):
        return iter(value.values())
    return iter(value if isinstance(value, list) else ())


def _descendants(value: Any) -> Iterator[Any]:  # noqa: ANN401 — any JSON
    """Yield a value and its descendants, parents first; without recursion, for any depth."""
    waiting = [iter((value,))]
    while waiting:
        for found in waiting[-1]:
            yield found
            if isinstance(found, dict | list):
                waiting.append(_children(found))
                break
        else:
            waiting.pop()
