"""Free ports for servers of tests."""

import errno
import socket

_held: list[socket.socket] = []


def free_port() -> int:
    """Reserve a port of loopback in both families on which nothing listens.

    A bound socket that never listens holds it: the kernel gives the port to nobody who does not ask for it by number,
    refuses connections to it, and lets a server that sets SO_REUSEADDR listen on it, again after each restart. A port
    that is merely looked up and released may go to another process before its server listens.
    """
    while True:
        holder = _bound(socket.AF_INET, ("127.0.0.1", 0))
        port = int(holder.getsockname()[1])
        try:
            other = _bound(socket.AF_INET6, ("::1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                holder.close()
                continue
            other = None  # a machine without IPv6
        _held.extend(each for each in (holder, other) if each)
        return port


def udp_and_tcp() -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a TCP socket of loopback that are bound to the same port; the caller closes them.

    To bind one protocol's socket to the port that the kernel chose for the other's fails now and then: another process
    may have it.
    """
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        try:
            return udp, _bound(socket.AF_INET, udp.getsockname())
        except OSError as error:
            udp.close()
            if error.errno != errno.EADDRINUSE:
                raise


def takes_connections(port: int) -> bool:
    """Return whether a server listens on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def _bound(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    holder = socket.socket(family)
    try:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(address)
    except OSError:
        holder.close()
        raise
    return holder
