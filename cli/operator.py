"""What the operator does to the installation by command: make and suspend tenants, reset passwords, rotate keys.

Each works on a running stack and on one that stands still, as long as the database answers.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sentinel.auth.v1.auth_service_pb2 import AcceptInvitationRequest, RegisterRequest

from cli.postgres import EmbeddedPostgres
from cli.settings import StackSettings
from services.auth.passwords import Passwords
from services.auth.rotation import rotate
from services.auth.signing import Keyring
from services.auth.store import AuthStore
from services.auth.tenants import Tenants
from services.common.connection import DatabaseUnusable
from services.common.database import Database, create_pool
from services.common.errors import Unavailable
from services.common.field_rules import FieldRules
from services.common.secret_box import SecretBox
from services.common.secret_keys import SecretKeys, add_key, keep_keys, key_file
from services.common.settings import SECRETS_KEY
from services.monitor.sealing import seal_all
from services.monitor.store import MonitorStore
from services.worker.lease import LeaseTimes
from services.worker.store import WorkersSql

_ROLE = "sentinel_auth"
_MONITOR_ROLE = "sentinel_monitor"
_WORKER_ROLE = "sentinel_worker"
_NO_ANSWER = "the database does not answer; is the stack up?"
_KEPT_KEYS = 2
T = TypeVar("T")


class CannotReachError(Exception):
    """The database does not answer, or a file cannot be used; the message is the sentence to print."""


async def rotate_keys(settings: StackSettings, *, revoke: bool) -> str:
    """Change the signing key; return the text to print."""
    keyring = Keyring(settings.data_dir / "keys")

    async def work(store: AuthStore) -> str:
        key = await rotate(keyring, store, revoke=revoke)
        if revoke:
            return f"{key.kid} signs from now on; what other keys have signed is refused, and clients have to refresh"
        return f"{key.kid} signs in a few seconds; what other keys have signed stays good until it expires"

    return await _with_store(settings, work)


async def rotate_secrets(settings: StackSettings) -> str:
    """Change the key that secrets are encrypted with, and encrypt them anew; return the text to print.

    The key of a setting is the operator's to change; that of the data folder is changed here. The one before it is kept
    until the next time: monitor may be storing a check with it just now.

    Raises:
        CannotReachError: the database does not answer, or the keys cannot be changed.
    """
    url, file = settings.database_url or _embedded_url(settings), key_file(settings.data_dir)
    try:
        if not settings.secrets_keys:
            if not file.exists():  # a key of ours alone would lock everybody else out
                raise CannotReachError(f"{file} is not there; run this where monitor runs, or set {SECRETS_KEY}")
            add_key(file)
        keys = SecretKeys(settings.secrets_keys, file)
        database = Database(url, _MONITOR_ROLE, size=1)
        try:
            sealed = await seal_all(MonitorStore(database, SecretBox(keys)))
        finally:
            await database.close()
        if not settings.secrets_keys and not any(each.unread for each in sealed.values()):
            keep_keys(file, _KEPT_KEYS)
    except Unavailable as error:
        raise _no_answer(error) from error
    except (OSError, ValueError) as error:
        raise CannotReachError(f"{file} cannot be changed: {error}") from error
    said = []
    for of, each in sealed.items():
        said.append(f"{of.entry}s whose secrets were encrypted with the newest key: {each.done}")
        if each.unread:
            said.append(f"no key decrypts those of {len(each.unread)}, which have to be given anew: {each.named}")
    return "; ".join(said)


async def create_tenant(settings: StackSettings, request: RegisterRequest) -> str:
    """Make a tenant and its first administrator, whatever SENTINEL_REGISTRATION says; return the text to print.

    Raises:
        SentinelError: the request breaks a rule of the contract, or the slug is reserved or taken.
    """
    FieldRules().refuse_broken(request)

    async def work(store: AuthStore) -> str:
        await Tenants(store).create(request, await _hash(request.password))
        return f"{request.tenant_slug} is made; {request.email} logs in with the password that you gave"

    return await _with_store(settings, work)


async def invite_tenant(settings: StackSettings, days: int, note: str) -> str:
    """Invite somebody to register one tenant; return the text to print: the token alone on the first line."""

    async def work(store: AuthStore) -> str:
        token = await Tenants(store).invite(days, note)
        return (
            f"{token}\n"
            f"It is shown this once, and is good for one tenant, for {days} {'day' if days == 1 else 'days'}. "
            'Register with "invitationToken" in the body of POST /auth/register.'
        )

    return await _with_store(settings, work)


async def reset_password(settings: StackSettings, slug: str, email: str, password: str) -> str:
    """Give a user another password and end all sessions of the user; return the text to print.

    Raises:
        SentinelError: the password breaks a rule of the contract.
    """
    FieldRules().refuse_broken(AcceptInvitationRequest(token="none", password=password))  # noqa: S106 — only the password's rules are meant

    async def work(store: AuthStore) -> str:
        await Tenants(store).reset_password(slug, email, await _hash(password))
        return f"{email} of {slug} has another password, and all sessions of that user have ended"

    return await _with_store(settings, work)


async def list_workers(settings: StackSettings) -> str:
    """Return all workers of the installation as a table."""
    pool = await create_pool(settings.database_url or _embedded_url(settings), _WORKER_ROLE, 1, times_in_us=True)
    try:
        workers = await WorkersSql(pool).every_worker(LeaseTimes(settings.lease_ttl_s).overdue_s)
    except Unavailable as error:
        raise CannotReachError(_NO_ANSWER) from error
    finally:
        await pool.close()
    rows = [
        (
            each.id,
            each.host,
            each.version,
            "yes" if each.live else "no",
            str(each.shards_held),
            str(each.checks_held),
            str(each.runs_in_flight),
            str(each.runs_waiting),
            f"{each.runs_per_second:.1f}",
            "-" if each.lag_p99_us is None else f"{each.lag_p99_us / 1000:.1f}",
        )
        for each in workers
    ]
    head = ("ID", "HOST", "VERSION", "LIVE", "SHARDS", "CHECKS", "RUNNING", "WAITING", "RUNS/S", "LAG P99 MS")
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows))


async def _hash(password: str) -> str:
    passwords = Passwords()
    try:
        return await passwords.hash(password)
    finally:
        passwords.close()


async def suspend_tenant(settings: StackSettings, slug: str, reason: str) -> str:
    """Suspend a tenant; return the text to print."""

    async def work(store: AuthStore) -> str:
        return f"{slug} is suspended" if await Tenants(store).suspend(slug, reason) else f"{slug} was suspended already"

    return await _with_store(settings, work)


async def resume_tenant(settings: StackSettings, slug: str) -> str:
    """Let a tenant go on; return the text to print."""

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
        raise _no_answer(error) from error
    finally:
        await pool.close()
        await database.close()


def _no_answer(error: Unavailable) -> CannotReachError:
    return CannotReachError(error.explanation if isinstance(error, DatabaseUnusable) else _NO_ANSWER)


def _embedded_url(settings: StackSettings) -> str:
    """Where the embedded database of a running stack listens.

    Raises:
        CannotReachError: no stack runs on the data folder.
    """
    run = settings.data_dir / "run"
    if not run.is_symlink():
        raise CannotReachError(f"no stack runs on {settings.data_dir}; start it with `make up`")
    return EmbeddedPostgres(settings.data_dir / "postgres", run.readlink() / "postgres").url
