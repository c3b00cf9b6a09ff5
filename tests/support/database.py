"""Real PostgreSQL for tests: one embedded server per process, and for each test a clone of a migrated template."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from threading import Thread

import asyncpg

from cli.parent_death import end_with_parent
from cli.postgres import DATABASE, EmbeddedPostgres
from services.platform.postgres.database import Database
from services.platform.postgres.migrate import migrate
from tests.support.patience import PATIENCE_S

_numbers = count(1)
# A killed server loses nothing by these: what it wrote is in the page cache. Only a crash of the machine would.
_NOT_DURABLE = ("fsync = off", "full_page_writes = off")
_CONFIGURATION = "postgresql.conf"


def patient_database(url: str, role: str, size: int = 8) -> Database:
    """Return a service's connections, for which calls wait long enough for a busy machine."""
    return Database(url, role, size, wait_s=PATIENCE_S)


class TestServer:
    """A running server.

    Attributes:
        admin_url: the database that clones are copied from; no connection to it may stay open.
    """

    __test__ = False

    def __init__(self, postgres: EmbeddedPostgres) -> None:
        self._postgres = postgres
        self._process: subprocess.Popen[bytes] | None = None
        self.admin_url = postgres.url

    def start(self) -> None:
        """Start the server, and wait until it responds."""
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
            preexec_fn=end_with_parent(program.parent_death_signal),  # noqa: PLW1509 — it calls prctl and nothing else
        )
        asyncio.run(self._postgres.ready(PATIENCE_S))

    def stop(self) -> None:
        """Stop the server like a crash of the machine: without a checkpoint."""
        self._end(3)

    def shut_down(self) -> None:
        """Stop the server with a checkpoint, so that its data folder can be copied and starts without recovery."""
        self._end(2)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_S)
            self._process = None

    async def clone(self, *, empty: bool = False) -> str:
        """Create a database and return its URL: with all tables and no rows, or without tables if `empty`."""
        name = f"test_{next(_numbers)}"
        template = "template0" if empty else DATABASE
        # A copy of the files takes 50 ms where a copy through the log takes 450 ms.
        await self._maintain(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.admin_url.replace(f"/{DATABASE}?", f"/{name}?")

    @asynccontextmanager
    async def cloned(self) -> AsyncIterator[str]:
        """Yield the URL of a new database with all tables and no rows, and drop it afterwards."""
        url = await self.clone()
        yield url
        name = url.partition("?")[0].rpartition("/")[2]
        await self._maintain(f"DROP DATABASE {name} WITH (FORCE)")

    async def _maintain(self, statement: str) -> None:
        maintenance = await asyncpg.connect(self.admin_url.replace(f"/{DATABASE}?", "/postgres?"))
        try:
            await maintenance.execute(statement)
        finally:
            await maintenance.close()


def make_template(folder: Path) -> Path:
    """Create a data folder with a migrated database, shut down in order; return its path.

    Its configuration file switches durability off.
    """
    postgres = EmbeddedPostgres(folder / "data", folder / "s")
    postgres.prepare()
    with (folder / "data" / _CONFIGURATION).open("a") as configuration:
        configuration.writelines(f"{line}\n" for line in _NOT_DURABLE)
    server = TestServer(postgres)
    server.start()
    try:
        asyncio.run(migrate(server.admin_url))
    finally:
        server.shut_down()
    return folder / "data"


def copy_template(template: Path, data: Path, *, durable: bool) -> None:
    """Copy a template's data folder, with its owner.

    Args:
        template: the result of `make_template`.
        data: the folder to create.
        durable: whether commits survive a crash of the machine, as in production.
    """
    data.parent.mkdir(mode=0o711, parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(template), str(data)], check=True)  # noqa: S607 — coreutils, wherever they lie
    if durable:
        path = data / _CONFIGURATION
        lines = path.read_text().splitlines()
        path.write_text("".join(f"{line}\n" for line in lines if line not in _NOT_DURABLE))


@contextmanager
def running(folder: Path, template: Path, *, durable: bool = False) -> Iterator[TestServer]:
    """Run a server on a copy of a template while the block runs."""
    copy_template(template, folder / "data", durable=durable)
    postgres = EmbeddedPostgres(folder / "data", folder / "s")
    postgres.prepare()
    server = TestServer(postgres)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        # A disk may take seconds to remove it. No test waits for that, and the next server has the same path.
        removed = folder.rename(folder.with_name(f"removed-{next(_numbers)}"))
        Thread(target=shutil.rmtree, args=(removed,), kwargs={"ignore_errors": True}).start()
