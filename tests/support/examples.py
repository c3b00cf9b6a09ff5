"""How many examples a property test looks at, where Hypothesis' own default is not the right number."""

from collections.abc import Collection
from typing import Any

from hypothesis import HealthCheck, settings

from tests.support.effort import FACTOR


def examples(few: int, *, unfit: Collection[HealthCheck] = (), **rest: Any) -> settings:
    """Return the settings of a property test; what is not given is as for all tests (tests/conftest.py).

    No example is too slow: the machine may be busy.

    Args:
        few: how many examples the short form looks at; the long one at some times as many.
        unfit: health checks of Hypothesis that do not fit the test.
        rest: other settings of Hypothesis.
    """
    return settings(max_examples=few * FACTOR, suppress_health_check=[HealthCheck.too_slow, *unfit], **rest)
