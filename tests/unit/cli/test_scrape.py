"""Each process has its own loopback port, which is listed for Prometheus."""

import json
import socket
from pathlib import Path

import pytest

from cli.scrape import ScrapePorts


def test_a_port_is_kept_for_its_process_through_restarts() -> None:
    ports = ScrapePorts()
    try:
        host, _, port = ports.address("worker-0").partition(":")
        for _ in range(2):  # as a process and its successor listen, with what the library's server sets
            with socket.create_server((host, int(port))) as server, socket.create_connection((host, int(port))):
                server.accept()[0].close()
        assert ports.address("worker-0") == f"{host}:{port}"
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind((host, int(port)))
    finally:
        ports.close()


def test_the_ports_of_two_stacks_differ() -> None:
    one, other = ScrapePorts(), ScrapePorts()
    try:
        names = [f"worker-{number}" for number in range(20)]
        assert len({ports.address(name) for ports in (one, other) for name in names}) == 40
    finally:
        one.close()
        other.close()


def test_the_file_names_each_process_as_prometheus_reads_it(tmp_path: Path) -> None:
    ports = ScrapePorts()
    try:
        auth, worker = ports.address("auth"), ports.address("worker-0")
        ports.write(tmp_path / "metrics.json")
    finally:
        ports.close()
    assert json.loads((tmp_path / "metrics.json").read_text()) == [
        {"targets": [auth], "labels": {"job": "sentinel", "process": "auth"}},
        {"targets": [worker], "labels": {"job": "sentinel", "process": "worker-0"}},
    ]
