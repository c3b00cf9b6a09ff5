"""What a check's author wants to be true of an answer; judge.py in the worker says whether it is."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class StatusIs:
    """The status code is one of some; any 2xx when there are none."""

    codes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class BodyContains:
    """The decoded body contains a text."""

    text: str


Assertion: TypeAlias = StatusIs | BodyContains
SUCCESS = StatusIs()
