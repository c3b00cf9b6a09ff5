"""Ports for servers of tests, each reserved at all addresses and for all protocols at which a test needs it.

The kernel chooses a free port for one address and one protocol. The same port may be taken at another address, in the
other family or for the other protocol at any time: by a server of another test process, or by a connection, whose own
end has a port from the same range.
"""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

LOOPBACK = "127.0.0.1"
_LOOPBACK_IPV6 = "::1"
_NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_held: list[socket.socket] = []

Place = tuple[socket.SocketKind, str]
"""A protocol (SOCK_STREAM for TCP, SOCK_DGRAM for UDP) and an address."""


def free_port() -> int:
    """Reserve a port of loopback in both families, until this process ends, on which nothing listens.

    A bound socket that never listens holds it: the kernel gives the port only to a process that asks for it by number,
    refuses connections to it, and lets a server that sets SO_REUSEADDR listen on it, again after each restart. A port
    that is merely looked up and released may go to another process before its server listens. Nor does another test get
    the port afterwards: the checks of a team on the shared stack are still run when its test is over.
    """
    places = [(socket.SOCK_STREAM, LOOPBACK), (socket.SOCK_STREAM, _LOOPBACK_IPV6)]
    _held.extend(bound(*(places if _has_ipv6() else places[:1])))
    return int(_held[-1].getsockname()[1])


@contextmanager
def held_port(*addresses: str) -> Iterator[int]:
    """Reserve one port at all of these addresses while the block runs, as `free_port` does."""
    holders = bound(*((socket.SOCK_STREAM, address) for address in addresses))
    try:
        yield int(holders[0].getsockname()[1])
    finally:
        _close(holders)


def closed_port() -> int:
    """Reserve a port of 127.0.0.1, until this process ends, that refuses TCP connections and UDP datagrams."""
    udp, tcp = udp_and_tcp()
    # Connected to itself, the socket takes no datagrams from others, and the kernel refuses them.
    udp.connect(udp.getsockname())
    _held.extend((udp, tcp))
    return int(tcp.getsockname()[1])


def udp_and_tcp() -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a TCP socket of loopback that are bound to the same port; the caller closes them."""
    udp, tcp = bound((socket.SOCK_DGRAM, LOOPBACK), (socket.SOCK_STREAM, LOOPBACK))
    return udp, tcp


def bound(*places: Place) -> list[socket.socket]:
    """Return sockets that are bound to one port, one socket for each place; the caller closes them.

    Nobody else has the port at any of the places. A server that sets SO_REUSEADDR may listen beside a socket for TCP.
    """
    while True:
        sockets: list[socket.socket] = []
        try:
            for kind, address in places:
                port = sockets[0].getsockname()[1] if sockets else 0
                sockets.append(_bound(kind, address, port))
        except OSError as error:
            _close(sockets)
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return sockets


def takes_connections(port: int) -> bool:
    """Return whether a server listens on a port of 127.0.0.1."""
    try:
        socket.create_connection((LOOPBACK, port)).close()
    except ConnectionRefusedError:
        return False
    return True


def _bound(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    holder = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    try:
        holder.bind((address, port))
        if kind is socket.SOCK_STREAM:
            # Set before, it would let the socket share the port with another that is bound and does not listen yet.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        holder.close()
        raise
    return holder


def _has_ipv6() -> bool:
    try:
        _bound(socket.SOCK_STREAM, _LOOPBACK_IPV6, 0).close()
    except OSError as error:
        if error.errno not in _NO_IPV6:
            raise
        return False
    return True


def _close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()
