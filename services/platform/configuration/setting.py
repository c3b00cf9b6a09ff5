"""One setting: an environment variable, the parser of its text, and the processes that read it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar, overload

T = TypeVar("T")

Process = Literal["up", "single", "both"]
"""The processes that read a setting: `up`, single processes, or both. `up` passes on the settings of `both`."""
SERVICES = ("auth", "monitor", "worker")


class SettingError(Exception):
    """A setting is missing or invalid. The message names the setting, its fault and what is valid."""


@dataclass(frozen=True)
class Values:
    """The settings that one process has read.

    Attributes:
        values: the parsed values, by name of the setting.
        texts: the unparsed texts, by name of the setting.
    """

    values: Mapping[str, Any]
    texts: Mapping[str, str]


class Setting(Generic[T]):
    """A descriptor of a setting: on the class Settings the definition, on an instance the parsed value.

    Args:
        name: the name of the environment variable.
        parse: takes the name and the text, and returns the value; raises SettingError.
        default: the text if the variable is not set or empty.
        process: the processes that read the setting.
        shown: the default as docs/settings.md shows it, if it differs from `default`.
        required: a description of a valid text, if a single process requires the setting; empty if not.
        services: the services to which `up` passes the setting on.
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
        """Return the definition on the class, and the value on an instance."""
        if owner is None:
            return self
        value: T = owner.values[self.name]
        return value

    def is_read_by(self, process: Process) -> bool:
        """Return whether a process of this kind reads the setting."""
        return self.process in {process, "both"}

    def text(self, environment: Mapping[str, str]) -> str:
        """Return the text of the variable, or the default if it is not set or empty."""
        return environment.get(self.name) or self.default

    def read(self, environment: Mapping[str, str], process: Process = "single") -> T:
        """Return the parsed value.

        Raises:
            SettingError: the setting is required and missing, or invalid.
        """
        text = self.text(environment)
        if self._required and not text and process == "single":
            raise SettingError(f"{self.name} is not set; it must be {self._required}")
        return self._parse(self.name, text)
