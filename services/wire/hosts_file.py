"""Host names that need no name server: /etc/hosts, and localhost (RFC 6761 §6.3)."""

import ipaddress
from pathlib import Path

_PATH = Path("/etc/hosts")
_LOCALHOST = ("::1", "127.0.0.1")


class HostsFile:
    """The hosts file, read again after changes.

    Args:
        path: the file; if it does not exist, only localhost has addresses.
    """

    def __init__(self, path: Path = _PATH) -> None:
        self._path = path
        self._read: tuple[int, int, int] | None = None
        self._known: dict[str, tuple[str, ...]] = {}

    def addresses_of(self, name: str) -> tuple[str, ...]:
        """Return a name's addresses in the file's order; empty if it is not listed.

        Args:
            name: the name in ASCII and lower case, without a trailing dot.
        """
        self._refresh()
        known = self._known.get(name, ())
        if not known and (name == "localhost" or name.endswith(".localhost")):
            return _LOCALHOST
        return known

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
            state = stat.st_ino, stat.st_mtime_ns, stat.st_size
            if state == self._read:
                return
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            self._read, self._known = None, {}
            return
        self._read, self._known = state, _parsed(text)


def _parsed(text: str) -> dict[str, tuple[str, ...]]:
    known: dict[str, dict[str, None]] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        try:
            literal = str(ipaddress.ip_address(address))
        except ValueError:
            continue
        for name in names:
            known.setdefault(name.lower().removesuffix("."), {})[literal] = None
    return {name: tuple(addresses) for name, addresses in known.items()}
