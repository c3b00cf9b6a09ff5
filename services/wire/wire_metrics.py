"""Counters of what the network code does, for whichever process uses it."""


class WireMetrics:
    """Counts look-ups of host names; each counter only grows.

    Attributes:
        cached_names: host names answered from the cache.
        asked_names: host names that a name server was asked for.
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
