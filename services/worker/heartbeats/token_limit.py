"""The rate limit of signals per token. Pure: time is an argument, in seconds of a monotonic clock."""

from collections import OrderedDict

MOST_AT_ONCE = 60
_EVERY_S = 1.0
_MOST_TOKENS = 100_000


class TokenLimit:
    """A token bucket for each heartbeat token, implemented as GCRA.

    The number of buckets is bounded; the least recently used one is evicted.
    """

    def __init__(self) -> None:
        self._empty_at_s: OrderedDict[bytes, float] = OrderedDict()

    def acquire(self, token_hash: bytes, now_s: float) -> float:
        """Take a signal from a token's bucket; return the seconds to wait if it is empty, 0 if it was taken."""
        empty_at_s = max(now_s, self._empty_at_s.get(token_hash, now_s)) + _EVERY_S
        wait_s = empty_at_s - now_s - MOST_AT_ONCE * _EVERY_S
        if wait_s > 0:
            return wait_s
        self._empty_at_s[token_hash] = empty_at_s
        self._empty_at_s.move_to_end(token_hash)
        if len(self._empty_at_s) > _MOST_TOKENS:
            self._empty_at_s.popitem(last=False)
        return 0.0
