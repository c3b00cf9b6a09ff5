"""A cache of the library that has to judge a server, so that an undecided one is not dialled twice each time."""

import time
from collections import OrderedDict
from enum import IntEnum

_MOST = 32_768
_TTL_S = 3_600.0


class TlsLibrary(IntEnum):
    """The library that is tried first; if it is undecided, the ones below it follow."""

    FASTEST = 0
    """rustls if it is installed, else OpenSSL."""
    OPENSSL = 1
    """OpenSSL without explanations of failures."""
    WATCHED = 2
    """OpenSSL with explanations of failures; its verdict is final."""


class TlsLibraryCache:
    """A bounded cache of the servers for which the fastest library is undecided, each for an hour."""

    def __init__(self) -> None:
        self._libraries: OrderedDict[int, tuple[TlsLibrary, float]] = OrderedDict()

    def library_for(self, server: int) -> TlsLibrary:
        """Return the judge to try first for a server, which is given as a hash of its identity."""
        judge, until = self._libraries.get(server, (TlsLibrary.FASTEST, 0.0))
        return judge if until > time.monotonic() else TlsLibrary.FASTEST

    def remember(self, server: int, judge: TlsLibrary) -> None:
        """Try a judge first for an hour."""
        self._libraries[server] = judge, time.monotonic() + _TTL_S
        self._libraries.move_to_end(server)
        if len(self._libraries) > _MOST:
            self._libraries.popitem(last=False)
