"""A cache of the library that has to judge a server, so that an undecided one is not dialled twice each time."""

import time
from collections import OrderedDict
from enum import IntEnum

_MOST = 32_768
_REMEMBERED_S = 3_600.0


class Judge(IntEnum):
    """The library that is tried first; if it is undecided, the ones below it follow."""

    FASTEST = 0
    """rustls if it is installed, else OpenSSL."""
    OPENSSL = 1
    """OpenSSL without explanations of failures."""
    WATCHED = 2
    """OpenSSL with explanations of failures; its verdict is final."""


class Remembered:
    """A bounded cache of the servers for which the fastest library is undecided, each for an hour."""

    def __init__(self) -> None:
        self._judges: OrderedDict[int, tuple[Judge, float]] = OrderedDict()

    def judge_of(self, server: int) -> Judge:
        """Return the judge to try first for a server, which is given as a hash of its identity."""
        judge, until = self._judges.get(server, (Judge.FASTEST, 0.0))
        return judge if until > time.monotonic() else Judge.FASTEST

    def remember(self, server: int, judge: Judge) -> None:
        """Try a judge first for an hour."""
        self._judges[server] = judge, time.monotonic() + _REMEMBERED_S
        self._judges.move_to_end(server)
        if len(self._judges) > _MOST:
            self._judges.popitem(last=False)
