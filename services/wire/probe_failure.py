"""How an attempt fails for a reason of the target's."""

from services.checks.outcome import ErrorKind

LONGEST_MESSAGE = 256
"""How many characters of a sentence a result has."""


class ProbeFailure(Exception):
    """An attempt got no usable answer, or not the one that it should.

    Attributes:
        kind: why, as results say it.
        sentence: the same in words. It may quote the target: secrets have to be masked, and then it has to be cut.
    """

    def __init__(self, kind: ErrorKind, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence


class Undecided(Exception):
    """The fast TLS library came to no verdict over a connection: OpenSSL judges over another one."""
