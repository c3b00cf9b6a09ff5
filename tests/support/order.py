"""The order in which tests run."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def spread(many: Sequence[T], among: Sequence[T]) -> Iterator[T]:
    """Yield all items, each kind in its order, with an equal share of `many` after each item of `among`."""
    done = 0
    for index, item in enumerate(among, 1):
        yield item
        share = len(many) * index // len(among)
        yield from many[done:share]
        done = share
    yield from many[done:]
