"""The process of a service: read the settings, connect to the database, serve, and shut down in order."""

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
from services.platform.metrics.metrics_server import serve_metrics
from services.platform.metrics.process_metrics import ProcessMetrics
from services.platform.postgres.common_store import CommonStore
from services.platform.postgres.connection import DatabaseUnusable, cause_of, wait_for_database
from services.platform.postgres.database import REQUEST_CONNECTIONS, RESERVED_CONNECTIONS, Database
from services.platform.postgres.health_connection import HealthConnection
from services.platform.postgres.listener import Listener
from services.platform.rest.body import BodyInspector
from services.platform.rest.body_check_server import serve_body_checks
from services.platform.rest.contract import contract_routes
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
"""File descriptors for connections to the database, from Envoy and from Prometheus, with a margin."""


class Process:
    """The process of one service.

    Args:
        settings: the settings of the process.
        role: the PostgreSQL role that serves requests.
        metrics: the metrics that /metrics shows.

    Attributes:
        settings: as given.
        role: as given.
        metrics: as given.
        database: the connections for requests, under the role.
        listener: the connection that receives notifications while the process serves; add channels before `serve`.
        health: the connection of health queries.
        store: the data that every service reads.
        revocations: the credentials that are revoked.
        stopping: set when the shutdown begins.
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
        self.listener.subscribe(
            {revocations.CHANNEL: self.revocations.on_notify, tokens.CHANNEL: self._tokens.on_notify},
            self._refresh,
        )

    async def token_signing_key(self) -> bytes:
        """Return the secret that signs page tokens and cursors; wait while the database is unavailable."""
        retry = Retry(DATABASE)
        while True:
            try:
                return await self.store.secret("sealing")
            except Unavailable as error:
                _log.warning("waiting for the database", cause=cause_of(error))
                await retry.pause()

    def secret_box(self) -> SecretBox:
        """Return the box that encrypts and decrypts secrets of checks.

        Raises:
            KeyFileError: the key file is empty or contains an invalid key.
        """
        return SecretBox(SecretKeys(self.settings.secrets_keys, key_file(self.settings.data_dir)))

    async def new_server(self, services: Sequence[ServiceDescriptor]) -> Server:
        """Return a gRPC server with the interceptor chain; the caller adds its servicers.

        Args:
            services: the services of the contract that the server implements.
        """
        api_keys = ApiKeyVerifier(self.store, KeyFormat(await self.token_signing_key()))
        self._credentials = Credentials(self._tokens, api_keys, self.revocations, self.store)
        return Server(services, interceptors(self._credentials, self.settings.trusted_proxies, self.metrics.calls))

    async def serve(self, server: Server, ready: Ready | None = None) -> None:
        """Serve until SIGTERM or SIGINT, then drain and close the connections.

        Args:
            server: the server, with its servicers.
            ready: raises a SentinelError while the service is not ready; the health query of the database by default.

        Raises:
            SystemExit: the address cannot be bound.
        """
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
            async with (
                serve_body_checks(self.settings.listen, BodyInspector(contract_routes())),
                background(*keeping_up),
            ):
                await server.serve(self.settings.listen, measured, self.stopping)
        finally:
            self.health.close()
            await self.database.close()

    async def _refresh(self) -> None:
        """Read revocations and the keys of tokens again, because notifications may have been lost."""
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
    """Run a service until it ends.

    Args:
        name: the name of the service, on every log line.
        role: the PostgreSQL role that serves requests.
        main: builds the service on a Process and serves it.
        most_files: the maximum number of file descriptors that it needs.
        background_roles: further PostgreSQL roles, for background work.

    Raises:
        SystemExit: a setting or the key file is invalid, the address of the metrics cannot be bound, or the database
            cannot be used.
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
            serve_metrics(settings.metrics_listen, metrics.registry, readiness.answer),
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
