"""TCP ports for servers that tests start, each reserved for as long as the test process lives."""

import socket

_held: list[socket.socket] = []


def free_port() -> int:
    """Reserve a loopback port on which nothing listens.

    A bound socket that never listens holds it: the kernel gives the port to nobody who does not ask for it by number,
    refuses connections to it, and lets a server that sets SO_REUSEADDR listen on it, again after each restart. A port
    that is merely looked up and released may go to another process before its server listens.
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    _held.append(holder)
    return int(holder.getsockname()[1])
