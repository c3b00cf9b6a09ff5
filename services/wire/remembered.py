"""Which library has to judge a server, so that one that fails is not dialled twice each time."""

import time
from collections import OrderedDict
from enum import IntEnum

_MOST = 32_768
_REMEMBERED_S = 3_600.0


class Judge(IntEnum):
    """What is asked first; each asks those below it where it comes to no verdict."""

    FASTEST = 0
    """rustls where it is installed, else OpenSSL."""
    OPENSSL = 1
    """OpenSSL, which explains no failure."""
    WATCHED = 2
    """OpenSSL, which has the last word."""


class Remembered:
    """The servers that are not the fastest library's: bounded, and each for an hour."""

    def __init__(self) -> None:
        self._judges: OrderedDict[int, tuple[Judge, float]] = OrderedDict()

    def judge_of(self, server: int) -> Judge:
        """Return who is asked first about a server, given as the hash of what tells it from others."""
        judge, until = self._judges.get(server, (Judge.FASTEST, 0.0))
        return judge if until > time.monotonic() else Judge.FASTEST

    def remember(self, server: int, judge: Judge) -> None:
        """Let a judge be asked first for an hour."""
        self._judges[server] = judge, time.monotonic() + _REMEMBERED_S
        self._judges.move_to_end(server)
        if len(self._judges) > _MOST:
            self._judges.popitem(last=False)
