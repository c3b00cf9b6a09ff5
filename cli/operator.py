"""What whoever runs the installation does to it by command: rotate the signing key, suspend a tenant.

Each works on a running stack and on one that stands still, as long as the database answers.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from cli.postgres import EmbeddedPostgres
from cli.settings import StackSettings
from services.auth.rotation import rotate
from services.auth.signing import Keyring
from services.auth.store import AuthStore
from services.auth.tenants import Tenants
from services.common.database import Database, create_pool
from services.common.errors import Unavailable

_ROLE = "sentinel_auth"
T = TypeVar("T")


class CannotReachError(Exception):
    """The database does not answer; the message is the sentence to print."""


async def rotate_keys(settings: StackSettings, *, revoke: bool) -> str:
    """Change the signing key; answers what to print."""
    keyring = Keyring(settings.data_dir / "keys")

    async def work(store: AuthStore) -> str:
        key = await rotate(keyring, store, revoke=revoke)
        if revoke:
            return f"{key.kid} signs from now on; what other keys have signed is refused, and clients have to refresh"
        return f"{key.kid} signs in a few seconds; what other keys have signed stays good until it expires"

    return await _with_store(settings, work)


async def suspend_tenant(settings: StackSettings, slug: str, reason: str) -> str:
    """Suspend a tenant; answers what to print."""

    async def work(store: AuthStore) -> str:
        return f"{slug} is suspended" if await Tenants(store).suspend(slug, reason) else f"{slug} was suspended already"

    return await _with_store(settings, work)


async def resume_tenant(settings: StackSettings, slug: str) -> str:
    """Let a tenant go on; answers what to print."""

    async def work(store: AuthStore) -> str:
        return f"{slug} goes on" if await Tenants(store).resume(slug) else f"{slug} was not suspended"

    return await _with_store(settings, work)


async def _with_store(settings: StackSettings, work: Callable[[AuthStore], Awaitable[T]]) -> T:
    """Work on the database of a stack.

    Raises:
        CannotReachError: it does not answer.
    """
    url = settings.database_url or _embedded_url(settings)
    database, pool = Database(url, _ROLE), await create_pool(url, _ROLE, 1)
    try:
        return await work(AuthStore(database, pool))
    except Unavailable as error:
        raise CannotReachError("the database does not answer; is the stack up?") from error
    finally:
        await pool.close()
        await database.close()


def _embedded_url(settings: StackSettings) -> str:
    """Where the embedded database of a running stack listens.

    Raises:
        CannotReachError: no stack runs on the data folder.
    """
    run = settings.data_dir / "run"
    if not run.is_symlink():
        raise CannotReachError(f"no stack runs on {settings.data_dir}; start it with `make up`")
    return EmbeddedPostgres(settings.data_dir / "postgres", run.readlink() / "postgres").url
