"""The effort of a test run: `make test` runs the short form of a test, `make soak` the long one."""

import os

FACTOR_SETTING = "SENTINEL_TEST_EXAMPLES_FACTOR"
FACTOR = int(os.environ.get(FACTOR_SETTING) or "1")
"""How many times as many examples a property test looks at as in a short run."""

IS_LONG = FACTOR > 1
"""Whether tests with a short and a long form take the long one."""

if FACTOR < 1:
    raise ValueError(f"{FACTOR_SETTING} must be a whole number from 1 on, not {FACTOR}")
