"""Scrape targets for Prometheus: a loopback port for each process, and the file that lists them."""

import json
import socket
from pathlib import Path

_LOOPBACK = "127.0.0.1"


class ScrapePorts:
    """Reserves a loopback port for each process for the lifetime of the stack.

    A port is reserved by a socket that is bound but never listens: Linux does not assign it to other processes, but
    with SO_REUSEADDR a process can listen on it explicitly, also after a restart.
    """

    def __init__(self) -> None:
        self._held: dict[str, socket.socket] = {}

    def address(self, process: str) -> str:
        """Return the address of a process, host:port; the same at each call.

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
        """Write all targets in the format of Prometheus' file_sd_configs."""
        targets = [
            {"targets": [self.address(process)], "labels": {"job": "sentinel", "process": process}}
            for process in self._held
        ]
        path.write_text(json.dumps(targets, indent=2) + "\n")

    def close(self) -> None:
        """Release the ports."""
        for holder in self._held.values():
            holder.close()
        self._held.clear()
