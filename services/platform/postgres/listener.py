"""LISTEN/NOTIFY: learn within milliseconds what another process committed.

A notification only triggers a read of the tables. A lost connection loses notifications, so `on_connect` is called
after every (re)connect and reads the tables again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import asyncpg

from services.platform import logs
from services.platform.errors import Unavailable
from services.platform.postgres.connection import cause_of, connect
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.platform.retry import DATABASE, Retry

_log = logs.get("listener")
_AWAY: tuple[type[BaseException], ...] = (Unavailable, *CONNECTION_ERRORS)
_KEEPALIVE_S = 5.0


class Listener:
    """The connection of a process that listens on channels. Health checks use it too.

    Args:
        url: the database.
        role: the PostgreSQL role to act as.
    """

    def __init__(self, url: str, role: str) -> None:
        self._url = url
        self._role = role
        self._channels: list[tuple[str, Callable[[str], None]]] = []
        self._on_connect: list[Callable[[], Awaitable[None]]] = []
        self._retry = Retry(DATABASE)
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._in_use = asyncio.Lock()

    def subscribe(
        self, channels: Mapping[str, Callable[[str], None]], on_connect: Callable[[], Awaitable[None]]
    ) -> None:
        """Add channels. They are listened on from the next connect on.

        Args:
            channels: for each channel, a function that receives the payload; it must be quick and must not raise.
            on_connect: called after each (re)connect, once listening has begun.
        """
        self._channels += channels.items()
        self._on_connect.append(on_connect)

    async def run(self) -> None:
        """Listen until cancelled, reconnecting whenever the connection is lost."""
        while True:
            try:
                await self._listen()
            except _AWAY as error:
                _log.warning("database connection lost, reconnecting", cause=cause_of(error))
            except asyncpg.PostgresError as error:
                _log.warning("LISTEN failed, reconnecting", error=str(error))
            await self._retry.pause()

    async def ping(self) -> bool:
        """Send a query over the connection; return False while there is no connection.

        A connection that does not respond is closed, and `run` opens another.

        Raises:
            CONNECTION_ERRORS: the connection does not respond.
        """
        connection = self._connection
        if connection is None or connection.is_closed():
            return False
        try:
            async with self._in_use:
                await connection.execute("SELECT 1", timeout=_KEEPALIVE_S)
        except BaseException:
            connection.terminate()
            raise
        return True

    async def _listen(self) -> None:
        connection = await connect(self._url, self._role)
        try:
            closed = asyncio.Event()
            connection.add_termination_listener(lambda _: closed.set())
            for channel, react in self._channels:
                await connection.add_listener(channel, _payload_only(react))
            self._connection = connection
            for on_connect in self._on_connect:
                await on_connect()
            self._retry.succeeded()
            # A broken network path may cause no error; the keepalive detects it.
            while not (connection.is_closed() or await _within(_KEEPALIVE_S, closed)):
                await self.ping()
            _log.warning("database connection lost, reconnecting")
        finally:
            self._connection = None
            connection.terminate()


async def _within(seconds: float, event: asyncio.Event) -> bool:
    """Return whether an event is set within a time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _payload_only(react: Callable[[str], None]) -> Callable[..., None]:
    def listener(_connection: object, _pid: int, _channel: str, payload: object) -> None:
        react(str(payload))

    return listener
