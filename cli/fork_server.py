"""The process that services are forked from: `python -m cli.fork_server IDLE_SECONDS MODULE …`.

It imports the modules once, then forks a process for each order of the supervisor. A forked process imports nothing,
and shares the memory of what was imported (docs/adr/0040).

The server has no thread, no event loop, no gRPC object, and no socket except the one for orders. It starts without
the settings, and a forked process receives its environment from the supervisor directly, so the server holds no secret
that a process could inherit.

After some time without an order it replaces itself by fork_server_asleep.py, because its imports take memory: it is the
only user of each page that the forked processes have changed. The next order starts it again and waits for the imports.
"""

import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cli import fork_server_asleep, openssl_file
from cli.parent_death import die_with_parent
from cli.process_title import set_title

ENTRY = "start"
"""The function of a module that runs its process until it ends."""

_FIRST_OTHER_FILE = 3
_ORDERS = 0  # standard input is the socket for orders
_LONGEST_ORDER = 4_096
_OPENSSL_CONF = "OPENSSL_CONF"
_THREADS = Path("/proc/self/task")
_MADV_DONTNEED = 4
_libc = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Order:
    """A process to run.

    Attributes:
        argv: the command line; the module after `-m` is run.
        supervisor: the id of the process that has to be its parent.
        output: the file descriptor of its standard output and standard error.
        channel: the file descriptor of a socket on which it sends its process id and receives its environment as JSON.
    """

    argv: list[str]
    supervisor: int
    output: int
    channel: int


def main() -> None:
    """Import the modules, then fork a process for each order; returns in the forked processes when they end."""
    die_with_parent(signal.SIGKILL, os.getppid())
    os.closerange(_FIRST_OTHER_FILE, os.sysconf("SC_OPEN_MAX"))  # what a shell or a service manager left open
    set_title(sys.orig_argv[:3])  # otherwise `ps` shows the names of the services twice
    gc.disable()  # a garbage collection would write to memory that is to be shared
    idle_s, *modules = sys.argv[1:]
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception:  # noqa: BLE001 — only the process of this module must fail; it imports the module again
            traceback.print_exc()
    gc.collect()
    gc.freeze()  # a garbage collection would write to every object and so copy its page
    if len(list(_THREADS.iterdir())) > 1:
        sys.exit("sentinel: an imported module has started a thread, so this process must not be forked")
    _forget_program_text()
    order = _serve(float(idle_s))
    if order is not None:
        _become(order)


def _forget_program_text() -> None:
    """Release the memory pages of code that imports have loaded; the kernel loads them again on use."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, access, _, _, file, *_ = line.split()
        if access == "r-xp" and file != "0":
            start, end = (int(address, 16) for address in span.split("-"))
            _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)


def _serve(idle_s: float) -> Order | None:
    """Return the order in each forked process; None in the server, when the supervisor has ended."""
    orders = socket.socket(fileno=_ORDERS)
    while True:
        if not select.select([orders], [], [], idle_s)[0]:
            _sleep()
        message, files, _, _ = socket.recv_fds(orders, _LONGEST_ORDER, 2)
        if not message:
            return None
        order = Order(*json.loads(message), *files)
        try:
            forked = _fork_apart()
        except OSError:
            traceback.print_exc()
            forked = False
        if forked:
            orders.detach()
            return order
        # The server closes its copy, so the supervisor sees the end of the channel if the fork failed.
        os.close(order.output)
        os.close(order.channel)


def _sleep() -> NoReturn:
    os.environ[fork_server_asleep.COMMAND] = "\n".join(sys.orig_argv)
    # -I -S: only the interpreter, without site packages.
    os.execv(sys.executable, [sys.executable, "-I", "-S", fork_server_asleep.__file__])  # noqa: S606 — our own program


def _fork_apart() -> bool:
    """Fork a process whose parent is the supervisor, which adopts orphans; return True in the new process.

    So the supervisor receives its exit code, and it continues to run when this process ends.
    """
    reading, writing = os.pipe()
    try:
        between = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    if between:
        os.close(reading)
        os.waitpid(between, 0)
        os.close(writing)
        return False
    os.close(writing)
    try:
        child = os.fork()
    except OSError:
        os._exit(1)
    if child:
        os._exit(0)
    os.read(reading, 1)  # returns once the intermediate process has ended, so the supervisor is the parent
    os.close(reading)
    return True


def _become(order: Order) -> None:
    """Turn this forked process into the one that was ordered, and run it until it ends."""
    os.setsid()
    die_with_parent(signal.SIGKILL, order.supervisor)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (order.output, 1), (order.output, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(order.output)
    former = os.environ.get(_OPENSSL_CONF)
    with socket.socket(fileno=order.channel) as channel:
        channel.sendall(str(os.getpid()).encode())
        environment = json.loads(b"".join(iter(lambda: channel.recv(65_536), b"")))
    os.environ.clear()
    os.environ.update(environment)

    wanted = os.environ.get(_OPENSSL_CONF)
    if wanted is not None and wanted != former and not openssl_file.load(wanted):
        os.execv(order.argv[0], order.argv)  # noqa: S606 — the ordered command line itself
    set_title(order.argv)
    module = importlib.import_module(order.argv[2])
    sys.argv = [str(module.__file__)]
    gc.enable()
    getattr(module, ENTRY)()


def order(argv: Sequence[str]) -> bytes:
    """Return the bytes of an order; its two file descriptors are sent with it."""
    return json.dumps([argv, os.getpid()]).encode()


if __name__ == "__main__":
    main()
