"""The error that ends a step of `make test-system`."""


class SystemTestError(Exception):
    """A step failed or cannot be run. The message is printed."""
