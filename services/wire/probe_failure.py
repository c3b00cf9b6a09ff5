"""The exceptions of an attempt that failed because of the target."""

from services.checks.outcome import ErrorKind

LONGEST_MESSAGE = 256
"""The maximum length of an error message in a result, in characters."""


class ProbeFailure(Exception):
    """An attempt got no usable response, or not the expected one.

    Attributes:
        kind: the error kind.
        sentence: the message. It may quote the target, so secrets have to be masked before it is truncated.
    """

    def __init__(self, kind: ErrorKind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence


class Undecided(Exception):
    """The fast TLS library has no verdict over a connection: OpenSSL has to judge over another one."""
