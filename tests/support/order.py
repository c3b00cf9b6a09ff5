"""The order in which tests run."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def spread(many: Sequence[T], among: Sequence[Sequence[T]]) -> Iterator[T]:
    """Yield all items, each kind in its order, with an equal share of `many` after each group."""
    done = 0
    for index, group in enumerate(among, 1):
        yield from group
        share = len(many) * index // len(among)
        yield from many[done:share]
        done = share
    yield from many[done:]
