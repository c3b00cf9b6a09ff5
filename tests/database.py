"""Real PostgreSQL for tests: one embedded server a run, and for each test a clone of a migrated template."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import asyncpg

from cli.postgres import DATABASE, EmbeddedPostgres
from cli.tether import tethered
from services.common.migrate import migrate

_numbers = count(1)


class TestServer:
    """A running server.

    Attributes:
        admin_url: of the database that clones are made from; nobody may stay connected to it.
    """

    __test__ = False

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._process: subprocess.Popen[bytes] | None = None
        self.admin_url = postgres.url

    def start(self) -> None:
        """Start it, and wait until it answers."""
        program = self._postgres.program()
        self._process = subprocess.Popen(
            program.argv,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=program.cwd,
            user=program.uid,
            group=program.gid,
            extra_groups=None if program.uid is None else [],
            # A killed test run leaves no server behind.
            preexec_fn=tethered(program.orphaned_by),  # noqa: PLW1509 — it calls prctl and nothing else
        )
        asyncio.run(self._postgres.ready(30))

    def stop(self) -> None:
        """Stop it as a crash of the machine would leave it: without a checkpoint."""
        if self._process is not None:
            self._process.send_signal(3)
            self._process.wait(10)
            self._process = None

    async def clone(self, *, empty: bool = False) -> str:
        """The URL of a new database with all tables and no rows; without tables if it is to be empty."""
        name = f"test_{next(_numbers)}"
        maintenance = await asyncpg.connect(self.admin_url.replace(f"/{DATABASE}?", "/postgres?"))
        try:
            template = "template0" if empty else DATABASE
            await maintenance.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        finally:
            await maintenance.close()
        return self.admin_url.replace(f"/{DATABASE}?", f"/{name}?")


@contextmanager
def running(folder: Path) -> Iterator[TestServer]:
    """A server with a migrated template, for as long as the block runs."""
    postgres = EmbeddedPostgres(folder / "data", folder / "s")
    postgres.prepare()
    server = TestServer(postgres)
    server.start()
    try:
        asyncio.run(migrate(server.admin_url))
        yield server
    finally:
        server.stop()
