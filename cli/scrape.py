"""Where Prometheus finds the figures of what runs: a loopback port for each process, and the file that names them."""

import json
import socket
from pathlib import Path

_LOOPBACK = "127.0.0.1"


class ScrapePorts:
    """Loopback ports for our processes, each its own for as long as we run, whoever else asks for ports.

    A port is held by a socket that is bound and never listens: Linux gives it to nobody who does not ask for it by
    number, and lets a process that does listen on it beside us, again after each of its restarts.
    """

    def __init__(self) -> None:
        self._held: dict[str, socket.socket] = {}

    def address(self, process: str) -> str:
        """The address for a process: always the same, host:port.

        Raises:
            OSError: no port is free.
        """
        holder = self._held.get(process)
        if holder is None:
            holder = self._held[process] = socket.socket()
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holder.bind((_LOOPBACK, 0))
        return f"{_LOOPBACK}:{holder.getsockname()[1]}"

    def write(self, path: Path) -> None:
        """Name all of them as Prometheus' file_sd_configs reads it."""
        targets = [
            {"targets": [self.address(process)], "labels": {"job": "sentinel", "process": process}}
            for process in self._held
        ]
        path.write_text(json.dumps(targets, indent=2) + "\n")

    def close(self) -> None:
        """Let the ports go."""
        for holder in self._held.values():
            holder.close()
        self._held.clear()
