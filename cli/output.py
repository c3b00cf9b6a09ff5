"""The output of `up`: its own messages and its children's lines, each prefixed with a process name."""

import sys

_WIDTH = 10
_LONGEST_LINE = 8_192
_COLOURS = (36, 32, 35, 33, 34, 31)


class Output:
    """Writes to standard output, in colour on a terminal."""

    def __init__(self) -> None:
        self._colour = sys.stdout.isatty()
        self._names: dict[str, int] = {}

    def say(self, text: str) -> None:
        """Print a message of the supervisor."""
        self.line("sentinel", text)

    def line(self, name: str, text: str) -> None:
        """Print a line of a child process, truncated to a maximum length."""
        prefix = f"{name:<{_WIDTH}}|"
        if self._colour:
            colour = _COLOURS[self._names.setdefault(name, len(self._names)) % len(_COLOURS)]
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        self.plain(f"{prefix} {text[:_LONGEST_LINE]}")

    def plain(self, text: str) -> None:
        """Print text without a prefix."""
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except OSError:
            pass  # the output was closed; the stack keeps running
