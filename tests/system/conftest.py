"""A minimal Debian with servers, and a PostgreSQL server of its package."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import lasting_team, other_team, target, team
from tests.support.ports import free_port
from tests.system.postgres import ADMIN_PASSWORD, DebianPostgres
from tests.system.servers import INSIDE, running
from tools.system.debian_root import DebianRoot
from tools.system.releases import SERVERS, RootCache

__all__ = ["lasting_team", "other_team", "target", "team"]  # fixtures for whatever stack a module has

_BIN = "/usr/lib/postgresql/15/bin"


@pytest.fixture(scope="session")
def debian() -> DebianRoot:
    """A minimal Debian 12 with servers; needs root and mmdebstrap, and fails without."""
    return RootCache.usual().root(SERVERS)


@pytest.fixture(scope="session")
def debian_postgres(debian: DebianRoot, short_folder: Path) -> Iterator[DebianPostgres]:
    """PostgreSQL 15."""
    folder, port = short_folder / "postgres-15", free_port()
    folder.mkdir()
    (folder / "password").write_text(ADMIN_PASSWORD)
    initdb = [
        f"{_BIN}/initdb", "--pgdata=data", "--username=postgres", "--pwfile=password", "--auth=scram-sha-256",
        "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
    ]  # fmt: skip
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": INSIDE,
        "max_connections": 200,
        "fsync": "off",
    }
    postgres = [f"{_BIN}/postgres", "-D", "data", *(f"--{name}={value}" for name, value in settings.items())]
    with running(debian, folder, port, initdb, ["exec", *postgres]) as server:
        yield DebianPostgres(server.port)
