"""What the three processes share around their own rooms: settings in, a served and orderly ended process out."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import uvloop
from google.protobuf.descriptor import ServiceDescriptor

from services.platform import logs
from services.platform.configuration.setting_names import unknown_settings
from services.platform.configuration.settings import SettingError, Settings
from services.platform.errors import SentinelError, Unavailable
from services.platform.file_descriptors import DescriptorWatch
from services.platform.file_limit import raise_limit
from services.platform.metrics.metrics_server import serving
from services.platform.metrics.process_metrics import ProcessMetrics
from services.platform.postgres.common_store import CommonStore
from services.platform.postgres.connection import DatabaseUnusable, cause_of, wait_for_database
from services.platform.postgres.database import REQUEST_CONNECTIONS, RESERVED_CONNECTIONS, Database
from services.platform.postgres.health_connection import HealthConnection
from services.platform.postgres.listener import Listener
from services.platform.rest.body import Bodies
from services.platform.rest.contract import contract_routes
from services.platform.rest.door_check import checking
from services.platform.retry import DATABASE, Retry
from services.platform.rpc.interceptors.chain import interceptors
from services.platform.rpc.readiness import Readiness
from services.platform.rpc.server import Ready, Server, background
from services.platform.security import revocations, tokens
from services.platform.security.api_keys import ApiKeyVerifier, KeyFormat
from services.platform.security.credentials import Credentials
from services.platform.security.key_file import KeyFileError
from services.platform.security.revocations import Revocations
from services.platform.security.secret_box import SecretBox
from services.platform.security.secret_keys import SecretKeys, key_file
from services.platform.security.tokens import TokenVerifier

_log = logs.get("process")
REQUEST_FILES = 256
"""Connections to the database, from Envoy and from Prometheus, with room to spare."""


class Process:
    """One service's process.

    Args:
        settings: as the environment gave them.
        role: the PostgreSQL role to serve requests under.
        metrics: what /metrics shows.

    Attributes:
        settings: as given.
        metrics: as given.
        database: connections under the role.
        listener: the one connection that listens, once the process serves; what hears more adds it before.
        health: what health asks the database over.
        store: what every service reads.
        revocations: know which credentials are good no more.
        stopping: set when the end begins.
    """

    def __init__(self, settings: Settings, role: str, metrics: ProcessMetrics) -> None:
        self.settings = settings
        self.role = role
        self.metrics = metrics
        self.database = Database(settings.database_url, role, REQUEST_CONNECTIONS, RESERVED_CONNECTIONS)
        self.listener = Listener(settings.database_url, role)
        self.health = HealthConnection(settings.database_url, role, self.listener)
        metrics.database.watch_pool("requests", lambda: self.database.in_use, self.database.size)
        self.store = CommonStore(self.database)
        self.revocations = Revocations(self.store)
        self.stopping = asyncio.Event()
        self._tokens = TokenVerifier(self.store)
        self.listener.hear(
            {revocations.CHANNEL: self.revocations.on_notify, tokens.CHANNEL: self._tokens.on_notify},
            self._read_afresh,
        )

    async def sealing_key(self) -> bytes:
        """The secret behind page tokens and cursors; waits for the database if it is away."""
        retry = Retry(DATABASE)
        while True:
            try:
                return await self.store.secret("sealing")
            except Unavailable as error:
                _log.warning("waiting for the database", cause=cause_of(error))
                await retry.pause()

    def secret_box(self) -> SecretBox:
        """What encrypts and decrypts secrets of checks."""
        return SecretBox(SecretKeys(self.settings.secrets_keys, key_file(self.settings.data_dir)))

    async def new_server(self, services: Sequence[ServiceDescriptor]) -> Server:
        """A server behind the chain; the caller adds its servicers."""
        api_keys = ApiKeyVerifier(self.store, KeyFormat(await self.sealing_key()))
        self._credentials = Credentials(self._tokens, api_keys, self.revocations, self.store)
        return Server(services, interceptors(self._credentials, self.settings.trusted_proxies, self.metrics.calls))

    async def serve(self, server: Server, ready: Ready | None = None) -> None:
        """Serve until told to stop; `ready` says when the service can answer, the database's word by default."""
        answers = ready or self.health.ping

        async def measured() -> None:
            begun = time.perf_counter_ns()
            try:
                await answers()
            except SentinelError:
                self.metrics.database.failed()
                raise
            self.metrics.database.answered((time.perf_counter_ns() - begun) // 1000)

        keeping_up = (self.listener.run(), self.revocations.run(), self._tokens.run(), self._credentials.run())
        try:
            async with checking(self.settings.listen, Bodies(contract_routes())), background(*keeping_up):
                await server.serve(self.settings.listen, measured, self.stopping)
        finally:
            self.health.close()
            await self.database.close()

    async def _read_afresh(self) -> None:
        """Notifications may have been lost while nobody listened."""
        with suppress(SentinelError):
            await self.revocations.refresh()
            await self._tokens.refresh()


def run(
    name: str,
    role: str,
    main: Callable[[Process], Awaitable[None]],
    *,
    most_files: int = REQUEST_FILES,
    background_roles: Sequence[str] = (),
) -> None:
    """Run a service's main until it ends; a wrong setting ends it with a sentence.

    Args:
        name: the service's name, on every log line.
        role: the PostgreSQL role to serve requests under.
        main: builds the service on the process and serves it.
        most_files: how many file descriptors it needs at the most.
        background_roles: further roles that the service acts as.
    """
    try:
        settings = Settings.of_service()
    except SettingError as error:
        sys.exit(f"sentinel: {error}")
    logs.configure(name, settings.log_level, settings.log_format)

    for sentence in unknown_settings(os.environ):
        _log.warning("unknown setting", why=sentence)
    raise_limit()

    async def start() -> None:
        metrics, descriptors = ProcessMetrics(name), DescriptorWatch(most_files)
        process = Process(settings, role, metrics)
        readiness = Readiness(lambda: metrics.database.is_up and not process.stopping.is_set(), descriptors.warnings)
        async with (
            background(descriptors.run()),
            serving(settings.metrics_listen, metrics.registry, readiness.answer),
        ):
            if settings.metrics_listen:
                _log.info("serving metrics", listen=str(settings.metrics_listen))
            try:
                await wait_for_database(settings.database_url, (role, *background_roles))
                await main(process)
            except KeyFileError as error:
                raise SystemExit(f"sentinel: {error}") from None
            except DatabaseUnusable as error:
                raise SystemExit(f"sentinel: {error.explanation}") from error

    uvloop.run(start())
