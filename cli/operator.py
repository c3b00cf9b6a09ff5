"""Operator commands: create and suspend tenants, reset passwords, rotate keys, list workers.

They need the database only, so they work whether the services run or not.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sentinel.auth.v1.auth_service_pb2 import AcceptInvitationRequest, RegisterRequest

from cli.postgres import EmbeddedPostgres
from services.auth.passwords import Passwords
from services.auth.rotation import rotate
from services.auth.signing import Keyring
from services.auth.store import AuthStore
from services.auth.tenants import Tenants
from services.monitor.secret_reencryption import reencrypt_all
from services.monitor.store import MonitorStore
from services.platform.configuration.settings import Settings
from services.platform.errors import Unavailable
from services.platform.postgres.connection import DatabaseUnusable
from services.platform.postgres.database import Database, create_pool
from services.platform.rpc.field_rules import FieldRules
from services.platform.security.secret_box import SecretBox
from services.platform.security.secret_keys import SecretKeys, add_key, key_file, prune_keys
from services.worker.lease import LeaseTimes
from services.worker.store import WorkersSql

_ROLE = "sentinel_auth"
_MONITOR_ROLE = "sentinel_monitor"
_SECRETS_KEY = Settings.secrets_keys.name
_WORKER_ROLE = "sentinel_worker"
_NO_ANSWER = "Cannot connect to the database. Is the stack running?"
_KEPT_KEYS = 2
T = TypeVar("T")


class CannotReachError(Exception):
    """The database is unreachable, or a file is unusable. The message is printed for the operator."""


async def rotate_keys(settings: Settings, *, revoke: bool) -> str:
    """Rotate the signing key; return the text to print."""
    keyring = Keyring(settings.data_dir / "keys")

    async def work(store: AuthStore) -> str:
        key = await rotate(keyring, store, revoke=revoke)
        if revoke:
            return (
                f"Signing key rotated to {key.kid}. Access tokens signed by other keys are revoked; "
                "clients have to refresh."
            )
        return (
            f"Signing key {key.kid} takes effect in a few seconds. Access tokens signed by other keys stay valid "
            "until they expire."
        )

    return await _with_store(settings, work)


async def rotate_secrets(settings: Settings) -> str:
    """Rotate the secrets encryption key and re-encrypt all secrets; return the text to print.

    A key in SENTINEL_SECRETS_KEY is changed by the operator, the key file in the data folder here. The previous key is
    kept until the next rotation, because monitor may be storing a check with it at this moment.

    Raises:
        CannotReachError: the database is unreachable, or the keys cannot be changed.
    """
    url, file = settings.database_url or _embedded_url(settings), key_file(settings.data_dir)
    try:
        if not settings.secrets_keys:
            if not file.exists():  # a new key would not decrypt the stored secrets
                raise CannotReachError(
                    f"{file} does not exist. Run this on the machine of the monitor service, or set {_SECRETS_KEY}."
                )
            add_key(file)
        keys = SecretKeys(settings.secrets_keys, file)
        database = Database(url, _MONITOR_ROLE, size=1)
        try:
            sealed = await reencrypt_all(MonitorStore(database, SecretBox(keys)))
        finally:
            await database.close()
        if not settings.secrets_keys and not any(each.unreadable for each in sealed.values()):
            prune_keys(file, _KEPT_KEYS)
    except Unavailable as error:
        raise _no_answer(error) from error
    except (OSError, ValueError) as error:
        raise CannotReachError(f"Cannot change {file}: {error}") from error
    said = []
    for of, each in sealed.items():
        said.append(
            f"Re-encrypted the secrets of {each.done} {of.entry}{'' if each.done == 1 else 's'} with the newest key."
        )
        if each.unreadable:
            said.append(
                f"The secrets of {len(each.unreadable)} more cannot be decrypted with any key and have to be entered "
                f"again: {each.some_ids}"
            )
    return "\n".join(said)


async def create_tenant(settings: Settings, request: RegisterRequest) -> str:
    """Create a tenant and its first administrator, regardless of SENTINEL_REGISTRATION; return the text to print.

    Raises:
        SentinelError: the request breaks a rule of the contract, or the slug is reserved or taken.
    """
    FieldRules().validate(request)

    async def work(store: AuthStore) -> str:
        await Tenants(store).create(request, await _hash(request.password))
        return f"Tenant {request.tenant_slug} created with the administrator {request.email}."

    return await _with_store(settings, work)


async def invite_tenant(settings: Settings, days: int, note: str) -> str:
    """Create an invitation to register one tenant; return the text to print: the token alone on the first line."""

    async def work(store: AuthStore) -> str:
        token = await Tenants(store).invite(days, note)
        return (
            f"{token}\n"
            f"This token is shown only once. It registers one tenant within {days} {'day' if days == 1 else 'days'}: "
            'send it as "invitationToken" in the body of POST /auth/register.'
        )

    return await _with_store(settings, work)


async def reset_password(settings: Settings, slug: str, email: str, password: str) -> str:
    """Reset a user's password and end all sessions of the user; return the text to print.

    Raises:
        SentinelError: the password breaks a rule of the contract.
    """
    FieldRules().validate(AcceptInvitationRequest(token="none", password=password))  # noqa: S106 — only the password's rules are meant

    async def work(store: AuthStore) -> str:
        await Tenants(store).reset_password(slug, email, await _hash(password))
        return f"Password of {email} in tenant {slug} reset. All sessions of the user ended."

    return await _with_store(settings, work)


async def list_workers(settings: Settings) -> str:
    """Return all workers of the installation as a table."""
    pool = await create_pool(settings.database_url or _embedded_url(settings), _WORKER_ROLE, 1, times_in_us=True)
    try:
        workers = await WorkersSql(pool).list_all_workers(LeaseTimes(settings.lease_ttl_s).overdue_s)
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


async def suspend_tenant(settings: Settings, slug: str, reason: str) -> str:
    """Suspend a tenant; return the text to print."""

    async def work(store: AuthStore) -> str:
        return (
            f"Tenant {slug} suspended."
            if await Tenants(store).suspend(slug, reason)
            else f"Tenant {slug} is already suspended."
        )

    return await _with_store(settings, work)


async def resume_tenant(settings: Settings, slug: str) -> str:
    """Resume a suspended tenant; return the text to print."""

    async def work(store: AuthStore) -> str:
        return f"Tenant {slug} resumed." if await Tenants(store).resume(slug) else f"Tenant {slug} is not suspended."

    return await _with_store(settings, work)


async def _with_store(settings: Settings, work: Callable[[AuthStore], Awaitable[T]]) -> T:
    """Run work on the database of a stack.

    Raises:
        CannotReachError: the database is unreachable.
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


def _embedded_url(settings: Settings) -> str:
    """Return the URL of the embedded database of a running stack.

    Raises:
        CannotReachError: no stack is running on the data folder.
    """
    run = settings.data_dir / "run"
    if not run.is_symlink():
        raise CannotReachError(f"No stack is running on {settings.data_dir}. Start it with `make up`.")
    return EmbeddedPostgres(settings.data_dir / "postgres", run.readlink() / "postgres").url
