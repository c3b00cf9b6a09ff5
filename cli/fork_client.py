"""The client of the fork server: the supervisor starts it and makes it fork services."""

import asyncio
import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from cli import fork_server
from cli.child import Child, Program, inherited
from cli.forked import ForkedProcess
from cli.output import Output

_PR_SET_CHILD_SUBREAPER = 36
_PID_BYTES = 32
_IDLE_S = 30.0  # longer than the maximum pause before the supervisor restarts a process
# Prefixes of settings, including those of PostgreSQL clients. They may contain passwords and keys.
_SETTINGS = ("SENTINEL_", "PG")
# By default each thread of a service has its own malloc arena, which stays mostly unused.
_ALLOCATOR = {"MALLOC_ARENA_MAX": "2"}
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class _Server:
    """A running fork server: its process id, the socket for orders, and the pipe of its output."""

    pid: int
    orders: socket.socket
    output: int


class ForkServer:
    """Runs services as forks of one process that has imported their modules.

    The constructor starts the process, so that it imports while other programs start.

    Args:
        modules: the modules to import; each has a function `start`.
        idle_s: after how many seconds without an order the process releases the memory of its imports.

    Raises:
        OSError: the process cannot be started.
    """

    def __init__(self, modules: Sequence[str], idle_s: float = _IDLE_S) -> None:
        argv = (sys.executable, "-m", fork_server.__name__, str(idle_s), *modules)
        self.program = Program(name="forks", argv=argv)
        self._launched: _Server | None = self._launch()
        self._orders: asyncio.Future[socket.socket] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._closed = False
        self._adopting = 0

    async def start(self, program: Program, output: Output) -> Child:
        """Start the server itself; an argument of Supervisor.keep.

        Raises:
            OSError: the server cannot be started.
        """
        server, self._launched = self._launched or self._launch(), None
        process = ForkedProcess(server.pid)
        child = await Child.adopt(process, server.output, program, output)
        self._watch = asyncio.create_task(self._offer(server.orders, process))
        return child

    async def fork(self, program: Program, output: Output) -> Child:
        """Run a program of the form `python -m MODULE` in a fork, once a server is available.

        Raises:
            OSError: the server ended before it forked the process.
        """
        orders = await asyncio.shield(self._offered())
        reading, writing = os.pipe()
        ours, theirs = socket.socketpair()
        with ours:
            ours.settimeout(0)
            try:
                with self._adopting_orphans():
                    with theirs, os.fdopen(writing, "wb"):
                        socket.send_fds(orders, [fork_server.order(program.argv)], [writing, theirs.fileno()])
                    process = ForkedProcess(await _pid(ours))
            except BaseException:
                os.close(reading)
                raise
            child = await Child.adopt(process, reading, program, output)
            with suppress(ConnectionError):  # the process has ended; its exit code is handled elsewhere
                environment = {**inherited(), **program.environment}
                await asyncio.get_running_loop().sock_sendall(ours, json.dumps(environment).encode())
        return child

    def close(self) -> None:
        """Refuse further forks, and raise OSError in those that wait for a server."""
        self._closed = True
        offered = self._offered()
        if not offered.done():
            offered.set_exception(OSError("the processes are being stopped"))

    async def _offer(self, orders: socket.socket, process: ForkedProcess) -> None:
        """Offer a server for orders until it ends."""
        offered = self._offered()
        if not offered.done():
            offered.set_result(orders)
        await process.wait()
        orders.close()
        if not self._closed:
            self._orders = None

    def _offered(self) -> "asyncio.Future[socket.socket]":
        if self._orders is None:
            self._orders = asyncio.get_running_loop().create_future()
        return self._orders

    def _launch(self) -> _Server:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reading, writing = os.pipe()
        try:
            with theirs, os.fdopen(writing, "wb"):
                pid = os.posix_spawn(
                    self.program.argv[0],
                    self.program.argv,
                    {**_ALLOCATOR, **_without_settings(os.environ)},
                    file_actions=[
                        (os.POSIX_SPAWN_DUP2, source, target)
                        for source, target in ((theirs.fileno(), 0), (writing, 1), (writing, 2))
                    ],
                    setsid=True,
                    setsigdef=(signal.SIGPIPE,),
                )
        except BaseException:
            ours.close()
            os.close(reading)
            raise
        return _Server(pid, ours, reading)

    @contextmanager
    def _adopting_orphans(self) -> Iterator[None]:
        """Adopt the processes that are forked in the block; at other times the system adopts orphans."""
        self._adopting += 1
        _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            yield
        finally:
            self._adopting -= 1
            if not self._adopting:
                _libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


async def _pid(channel: socket.socket) -> int:
    said = await asyncio.get_running_loop().sock_recv(channel, _PID_BYTES)
    if not said:
        raise OSError("the process that it is forked from has ended, or could not fork it")
    return int(said)


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(_SETTINGS)}
