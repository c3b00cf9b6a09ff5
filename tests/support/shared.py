"""What all processes of a test run share: a migrated data folder of PostgreSQL, and a running stack.

The process that controls the run (pytest's own, or the one that distributes tests to workers) makes each on first use
and removes it at the end. Workers ask for it over a Unix socket.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from threading import Thread
from typing import Any

from tests.support.database import make_template
from tests.support.folders import short_folder
from tests.support.stack import Stack

TEMPLATE = "template"
STACK = "stack"


class SharedServers:
    """Creates what is shared, each once, and serves it to other processes.

    Attributes:
        address: the path of the socket at which workers ask.
    """

    def __init__(self) -> None:
        self._resources = ExitStack()
        self._folder = self._resources.enter_context(short_folder())
        self.address = str(self._folder / "shared.sock")
        # One thread starts all: a child's life is tied to the thread that started it (prctl(2), PR_SET_PDEATHSIG).
        self._starter = ThreadPoolExecutor(1, "shared-servers")
        self._made: dict[str, Any] = {}
        self._stack: Stack | None = None
        self._listener = Listener(self.address, "AF_UNIX")
        Thread(target=self._accept, daemon=True).start()

    def get(self, name: str) -> Any:
        """Return what is shared under a name; create it first if needed.

        Raises:
            Exception: the error of its creation, each time.
        """
        return self._starter.submit(self._get, name).result()

    def close(self) -> float:
        """Stop and remove everything; return the seconds that stopping the stack took."""
        took_s = self._starter.submit(self._stack.stop).result() if self._stack else 0.0
        self._starter.shutdown()
        self._listener.close()
        self._resources.close()
        return took_s

    def _get(self, name: str) -> Any:
        makers: dict[str, Callable[[], Any]] = {TEMPLATE: self._template, STACK: self._running_stack}
        if name not in self._made:
            self._made[name] = makers[name]()
        return self._made[name]

    def _template(self) -> Path:
        return make_template(self._folder / "template")

    def _running_stack(self) -> dict[str, Any]:
        self._stack = Stack(data_dir=self._folder / "stack", template=self._get(TEMPLATE))
        self._stack.start()
        return {"data_dir": self._stack.data_dir, "port": self._stack.port, "pid": self._stack.pid}

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:  # closed
                return
            Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: "Connection[Any, Any]") -> None:
        with connection:
            name = connection.recv()
            try:
                connection.send(("made", self.get(name)))
            except Exception as error:  # noqa: BLE001 — sent to the worker, whose test then fails with it
                connection.send(("failed", f"{type(error).__name__}: {error}"))


class RemoteServers:
    """What is shared, for a worker process.

    Args:
        address: `SharedServers.address`.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, name: str) -> Any:
        """Return what is shared under a name.

        Raises:
            RuntimeError: its creation failed.
        """
        with Client(self._address, "AF_UNIX") as connection:
            connection.send(name)
            outcome, value = connection.recv()
        if outcome != "made":
            raise RuntimeError(f"the shared {name} could not be made: {value}")
        return value
