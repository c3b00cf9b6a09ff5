"""What ends a step of `make test-system`."""


class SystemTestError(Exception):
    """A step failed or cannot be taken; the message is the sentence to print."""
