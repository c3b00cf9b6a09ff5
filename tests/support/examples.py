"""The number of examples of a property test, where Hypothesis' default does not fit."""

from collections.abc import Collection
from typing import Any

from hypothesis import HealthCheck, settings

from tests.support.effort import FACTOR


def examples(few: int, *, unfit: Collection[HealthCheck] = (), **rest: Any) -> settings:
    """Return the settings of a property test; others are as for all tests (tests/conftest.py).

    No example is too slow: the machine may be busy.

    Args:
        few: the number of examples of the short form; the long one has a multiple of it.
        unfit: health checks of Hypothesis that do not fit the test.
        rest: other settings of Hypothesis.
    """
    return settings(max_examples=few * FACTOR, suppress_health_check=[HealthCheck.too_slow, *unfit], **rest)
