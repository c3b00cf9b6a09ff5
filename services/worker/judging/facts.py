"""What an attempt learned, for assertions to read; None where its kind of check, or this answer, has no such thing."""

from collections.abc import Sequence
from typing import NamedTuple

from services.wire.body import Body


class Facts(NamedTuple):
    """What was learned.

    Attributes:
        status_code: the answer's.
        headers: names and values, as they came.
        body: what came behind them; None when nobody looks at it.
    """

    status_code: int | None = None
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: Body | None = None
