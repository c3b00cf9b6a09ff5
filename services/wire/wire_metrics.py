"""Counters of the network code, for any process that uses it."""


class WireMetrics:
    """Counters of host name look-ups.

    Attributes:
        cached_names: host names found in the cache.
        asked_names: the number of host names for which a name server was queried.
    """

    __slots__ = ("asked_names", "cached_names")

    def __init__(self) -> None:
        self.cached_names = 0
        self.asked_names = 0

    def resolved(self, *, cached: bool) -> None:
        """Count a look-up."""
        if cached:
            self.cached_names += 1
        else:
            self.asked_names += 1
