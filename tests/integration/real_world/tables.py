"""All subjects, in the order in which the page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.integration.real_world.row import Row
from tests.integration.real_world.subjects import http_framing


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A subject.

    Attributes:
        name: a key.
        title: a heading.
        rows: what belongs to it.
    """

    name: str
    title: str
    rows: Sequence[Row]


TABLES = (Table("http_framing", "HTTP: where an answer begins and ends", http_framing.ROWS),)
