"""One setting: an environment variable, how its text is read, and which processes read it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, overload

T = TypeVar("T")

Process = Literal["up", "single", "both"]
"""What reads a setting: `up`, a single process, or both, where `up` passes it on."""
SERVICES = ("auth", "monitor", "worker")


class SettingError(Exception):
    """A setting is missing or invalid. Print the message."""


@dataclass(frozen=True)
class Values:
    """What one process has read.

    Attributes:
        values: the values by the settings' names.
        texts: what the environment says, by the settings' names.
    """

    values: Mapping[str, Any]
    texts: Mapping[str, str]


class Setting(Generic[T]):
    """The definition of a setting, as an attribute of the class that has them all; of an instance, its value.

    Args:
        name: of the environment variable.
        parse: takes name and text, and returns the value; raises SettingError.
        default: the text where the variable is not set, or empty.
        process: which processes read it.
        shown: the default as docs/settings.md shows it, where that is not the text above.
        required: what its text has to be, where a single process does not start without it.
        services: which services `up` passes it on to.
    """

    def __init__(
        self,
        name: str,
        parse: Callable[[str, str], T],
        default: str = "",
        *,
        process: Process = "both",
        shown: str = "",
        required: str = "",
        services: Collection[str] = SERVICES,
    ) -> None:
        self.name = name
        self.default = default
        self.process = process
        self.shown = shown or (f"`{default}`" if default else "none")
        self.services = services
        self._parse = parse
        self._required = required

    @overload
    def __get__(self, owner: None, kind: type) -> "Setting[T]": ...
    @overload
    def __get__(self, owner: Values, kind: type) -> T: ...
    def __get__(self, owner: Values | None, kind: type) -> "Setting[T] | T":
        """Return the definition, or an instance's value."""
        if owner is None:
            return self
        value: T = owner.values[self.name]
        return value

    def is_read_by(self, process: Process) -> bool:
        """Return whether `up`, or a single process, reads it."""
        return self.process in {process, "both"}

    def text(self, environment: Mapping[str, str]) -> str:
        """Return what the variable says, or the default."""
        return environment.get(self.name) or self.default

    def read(self, environment: Mapping[str, str], process: Process = "single") -> T:
        """Return the value.

        Raises:
            SettingError: it is required and missing, or invalid.
        """
        text = self.text(environment)
        if self._required and not text and process == "single":
            raise SettingError(f"{self.name} is not set; it must be {self._required}")
        return self._parse(self.name, text)
