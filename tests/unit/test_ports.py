"""Ports that tests reserve: one port at all places, which nobody else gets, and on which a server may listen."""

import socket

import pytest

from tests.support import ports
from tests.support.ports import bound, closed_port, held_port

HERE, THERE = "127.0.0.1", "127.0.0.2"
UDP, TCP = socket.SOCK_DGRAM, socket.SOCK_STREAM


def test_a_server_may_listen_again_and_again_at_each_address_of_a_held_port_and_nobody_else_gets_it() -> None:
    with held_port(HERE, THERE) as port:
        for address in (HERE, THERE, HERE):
            with socket.create_server((address, port)) as server, socket.create_connection((address, port)):
                server.accept()[0].close()
        for address in (HERE, THERE):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, port))
            with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
                stranger.bind((address, port))


def test_a_port_that_another_has_at_one_of_the_places_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[socket.socket] = []
    bind = ports._bound

    def bind_after_another(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
        if address == THERE and len(taken) < 2:  # one that is bound like a server, before it listens; then one for UDP
            other = socket.socket(type=kind)
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind is TCP)
            other.bind((address, port))
            taken.append(other)
        return bind(kind, address, port)

    monkeypatch.setattr(ports, "_bound", bind_after_another)
    found = bound((TCP, HERE), (TCP, THERE), (UDP, HERE), (UDP, THERE))
    try:
        used = {each.getsockname()[1] for each in found}
        assert len(used) == 1
        assert used.isdisjoint(each.getsockname()[1] for each in taken)
        assert len(taken) == 2
    finally:
        for each in (*found, *taken):
            each.close()


def test_a_closed_port_refuses_connections_and_datagrams() -> None:
    port = closed_port()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HERE, port))
    with socket.socket(type=UDP) as asking:
        asking.settimeout(30)
        asking.connect((HERE, port))
        asking.send(b"?")
        with pytest.raises(ConnectionRefusedError):
            asking.recv(1)
