"""The two commands of the README."""

import re
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^## Two commands\n.*?^```\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Commands(NamedTuple):
    """The commands, exactly as in the README.

    Attributes:
        start: starts everything; Ctrl-C stops it.
        test: runs all tests.
    """

    start: str
    test: str


def commands(readme: Path) -> Commands:
    """Read the commands from the code block under "Two commands", without their comments.

    Raises:
        ValueError: there are not two.
    """
    block = _BLOCK.search(readme.read_text())
    lines = [] if block is None else [line.partition("#")[0].strip() for line in block[1].splitlines()]
    start, test = filter(None, lines)
    return Commands(start, test)
