"""Servers of Debian's packages, run in a minimal Debian."""

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.parent_death import end_with_parent
from tests.support.stack import until
from tools.system.debian_root import UID, DebianRoot

INSIDE = Path("/srv/test")
"""Where a server finds its own folder."""

_LISTENS = "0A"


class Server:
    """A running server.

    Attributes:
        port: where it listens, on loopback.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, port: int) -> None:
        self._process = process
        self._log = log
        self.port = port

    @property
    def log(self) -> str:
        """What it has printed."""
        return self._log.read_text()

    def wait(self) -> None:
        """Return when it listens."""
        until(lambda: _listens(self.port) or self._process.poll() is not None)
        assert self._process.poll() is None, self.log


@contextmanager
def running(root: DebianRoot, folder: Path, port: int, *commands: list[str]) -> Iterator[Server]:
    """Run a server as long as a block runs.

    Args:
        root: has its package.
        folder: what it may read and write: at INSIDE.
        port: where it will listen.
        commands: what is run one after the other; the last is the server.
    """
    for path in (folder, *folder.rglob("*")):
        os.chown(path, UID, UID)
    script = " && ".join(shlex.join(command) for command in commands)
    argv = root.command(["sh", "-c", script], directory=INSIDE, folders={folder: INSIDE})
    log = folder.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # A killed test run leaves no server behind.
            preexec_fn=end_with_parent(signal.SIGKILL),  # noqa: PLW1509 — it calls prctl and nothing else
        )
    server = Server(process, log, port)
    try:
        server.wait()
        yield server
    finally:
        process.kill()  # and with it all processes of its namespace
        process.wait()


def _listens(port: int) -> bool:
    """Whether some process listens on a port of loopback or of all addresses; a connection would be an event for it."""
    tables = (Path("/proc/net") / name for name in ("tcp", "tcp6"))
    rows = [line.split() for table in tables for line in table.read_text().splitlines()[1:]]
    return any(int(row[1].rpartition(":")[2], 16) == port and row[3] == _LISTENS for row in rows)
