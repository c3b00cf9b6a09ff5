"""Connections to PostgreSQL that act as a service's role; one that does not is never used (docs/adr/0004).

Row-level security depends on the role, and a pooler or a proxy may drop it. So each connection is verified before its
first use: that it acts as the role, that row-level security applies to it, and that one server process serves it
exclusively.
"""

import asyncio
import secrets
from collections.abc import Sequence

import asyncpg

from services.platform import logs
from services.platform.errors import Unavailable
from services.platform.postgres.connection_errors import CONNECTION_ERRORS
from services.platform.retry import DATABASE, Retry

_log = logs.get("database")
CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 30.0
SETTING = "SENTINEL_DATABASE_URL"
# An idle transaction is ended after this time, because others wait for its locks.
_IDLE_IN_TRANSACTION = "5s"
# A notification takes milliseconds.
_NOTIFY_TIMEOUT_S = 5.0
_TRANSACTION_POOLER = (
    "points to a connection pooler in transaction mode, which does not keep roles, LISTEN and prepared statements "
    "between transactions; connect to PostgreSQL directly"
)
# The effective role, the server process, and a table for which row-level security is not active.
_VERIFY = """
    SELECT current_user::text AS role, pg_backend_pid() AS pid,
           (SELECT min(c.relname)::text FROM pg_class c
            WHERE c.relrowsecurity AND c.relnamespace = to_regnamespace('public') AND NOT row_security_active(c.oid)
           ) AS unprotected
"""


class DatabaseUnusable(Unavailable):
    """The database cannot be used safely by this URL; the setting has to be changed.

    For callers it is Unavailable. When a service starts, it ends the start.

    Attributes:
        explanation: the message for the operator, which names the setting.
    """

    def __init__(self, explanation: str) -> None:
        super().__init__()
        self.explanation = f"{SETTING} {explanation}"


async def connect(url: str, role: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Open a verified connection under a role.

    Args:
        url: postgresql://…
        role: the PostgreSQL role to act as; the URL's user must be allowed to.

    Raises:
        DatabaseUnusable: it would not act as the role, or row-level security would not apply to it.
        CONNECTION_ERRORS: the database is unavailable.
    """
    connection = await _open(url, role)
    try:
        await _verify(connection, url, role)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def wait_for_database(url: str, roles: Sequence[str]) -> None:
    """Wait until the database accepts a connection under each of the roles.

    Raises:
        DatabaseUnusable: it cannot be used safely by this URL.
    """
    for role in roles:
        retry = Retry(DATABASE)
        while True:
            try:
                connection = await connect(url, role)
            except CONNECTION_ERRORS as error:
                _log.warning("waiting for the database", cause=cause_of(error))
                await retry.pause()
            else:
                connection.terminate()
                break


def cause_of(error: BaseException) -> str:
    """Return why the database is unavailable, for the log."""
    if isinstance(error, DatabaseUnusable):
        return error.explanation
    cause = error.__cause__ if isinstance(error, Unavailable) and error.__cause__ is not None else error
    if isinstance(cause, DatabaseUnusable):
        return cause.explanation
    return f"{type(cause).__name__}: {cause}".removesuffix(": ")


async def _open(url: str, role: str) -> "asyncpg.Connection[asyncpg.Record]":
    try:
        return await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            # The role is set as the connection starts, so RESET returns to it and never to the URL's user.
            server_settings={
                "role": role,
                "application_name": role,
                "timezone": "UTC",
                "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION,
            },
        )
    except asyncpg.ProtocolViolationError as error:
        # PgBouncer: "unsupported startup parameter: role=…".
        if "startup parameter" not in str(error):
            raise
        raise DatabaseUnusable(
            f"points to a connection pooler that rejects a startup parameter ({error}); connect to PostgreSQL directly"
        ) from error
    except CONNECTION_ERRORS:
        raise
    except asyncpg.PostgresError as error:
        # A role that does not exist or may not be assumed, a wrong password, an unknown database.
        raise DatabaseUnusable(f"allows no connection with the role {role}: {error}") from error


async def _verify(connection: "asyncpg.Connection[asyncpg.Record]", url: str, role: str) -> None:
    try:
        seen = await connection.fetchrow(_VERIFY, timeout=CONNECT_TIMEOUT_S)
    except (asyncpg.DuplicatePreparedStatementError, asyncpg.InvalidSQLStatementNameError) as error:
        raise DatabaseUnusable(_TRANSACTION_POOLER) from error
    if seen is None:
        raise ConnectionError("the database returned no row where one was expected")
    # The process announced at the start of the connection still serves it, unless a pooler is in between.
    if seen["pid"] != connection.get_server_pid() and not await _keeps_backend(connection, url):
        raise DatabaseUnusable(_TRANSACTION_POOLER)
    if seen["role"] != role:
        raise DatabaseUnusable(
            f"opens connections with the role {seen['role']} instead of {role}, so row-level security would not "
            "separate tenants: a pooler drops the startup parameter `role`; connect to PostgreSQL directly"
        )
    if seen["unprotected"] is not None:
        raise DatabaseUnusable(
            f"opens connections with the role {role}, which bypasses row-level security of the table "
            f"{seen['unprotected']}; it must not be a superuser, have BYPASSRLS, or be a member of the tables' owner"
        )


async def _keeps_backend(connection: "asyncpg.Connection[asyncpg.Record]", url: str) -> bool:
    """Return whether one server process serves the connection across transactions.

    A pooler in transaction mode reassigns it. Comparing process ids is not conclusive, since it depends on other
    connections; a notification is: it reaches an idle connection only if the process still belongs to it.
    """
    channel = f"sentinel_{secrets.token_hex(8)}"
    heard = asyncio.Event()

    def hear(*_: object) -> None:
        heard.set()

    await connection.add_listener(channel, hear)
    other = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S)
    try:
        await other.execute(f"NOTIFY {channel}")
        async with asyncio.timeout(_NOTIFY_TIMEOUT_S):
            await heard.wait()
    except TimeoutError:
        return False
    finally:
        other.terminate()
    await connection.remove_listener(channel, hear)
    return True
