"""Searches for garbage are rare, and leave out what a process starts with."""

import gc
from collections.abc import Iterator

import pytest

from services.platform.garbage import freeze_existing_objects, raise_gc_thresholds
from tests.support.stack import ROOT


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process of the tests as it was."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_searches_are_rarer_than_by_default() -> None:
    gc.set_threshold(700, 10, 10)
    raise_gc_thresholds()

    young, _, old = gc.get_threshold()
    assert (young > 700, old > 10) == (True, True)


def test_objects_that_are_there_are_in_no_later_search() -> None:
    kept: list[list[int]] = [[]]
    freeze_existing_objects()
    later: list[list[int]] = [[]]

    searched = {id(each) for each in gc.get_objects()}
    assert (id(kept) in searched, id(later) in searched) == (False, True)


def test_no_service_sets_thresholds_of_its_own() -> None:
    setting = [path for path in (ROOT / "services").rglob("*.py") if "gc.set_threshold(" in path.read_text()]

    assert [path.name for path in setting] == ["garbage.py"]
