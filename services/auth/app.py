"""The auth process: `python -m services.auth.app`."""

import os
from collections.abc import Mapping

from sentinel.auth.v1 import auth_service_pb2
from sentinel.auth.v1.auth_service_pb2_grpc import add_AuthServiceServicer_to_server

from services.auth.account import Account
from services.auth.api_keys import ApiKeys
from services.auth.audit_trail import AuditTrail
from services.auth.housekeeping import Housekeeping
from services.auth.invitations import Invitations
from services.auth.limits import Limits
from services.auth.passwords import Passwords
from services.auth.registration import Registration
from services.auth.servicer import AuthServicer, UseCases
from services.auth.sessions import Sessions
from services.auth.signing import Keyring
from services.auth.store import AuthStore
from services.auth.team import Team
from services.platform.clock import now_us
from services.platform.configuration.settings import SettingError, Settings, decided_registration
from services.platform.paging import Pager
from services.platform.postgres.database import create_pool, in_use
from services.platform.rpc.process import Process, run
from services.platform.rpc.server import background
from services.platform.security import tokens
from services.platform.security.api_keys import KeyFormat
from services.platform.security.signed_tokens import TokenSigner

ROLE = "sentinel_auth"
_SERVICE = auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"]
_HOT_CONNECTIONS = 4


async def main(process: Process) -> None:
    """Build all parts, serve, and shut down."""
    settings = process.settings
    keyring = Keyring(settings.data_dir / "keys")
    pool = await create_pool(settings.database_url, ROLE, _HOT_CONNECTIONS)
    process.metrics.database.watch_pool("sign_in", lambda: in_use(pool), _HOT_CONNECTIONS)
    store = AuthStore(process.database, pool)
    installation_key = await process.token_signing_key()
    passwords = Passwords()
    mode = settings.registration_mode
    limits = Limits(store, settings.auth_limit_per_minute, settings.auth_limit_burst)
    pager = Pager(TokenSigner(installation_key, "page"))
    sessions = Sessions(store, passwords, keyring, limits, installation_key)
    use_cases = UseCases(
        registration=Registration(store, passwords, sessions, limits, mode, settings.egress.named_tenants),
        sessions=sessions,
        account=Account(store, passwords, limits),
        team=Team(store, pager),
        invitations=Invitations(store, passwords, sessions, limits, pager),
        api_keys=ApiKeys(store, KeyFormat(installation_key), pager),
        audit_trail=AuditTrail(store, pager),
    )

    published = False

    async def ready() -> None:
        nonlocal published
        if not published:
            await store.publish_key(keyring.newest, now_us())
            published = True
        await process.health.ping()

    async def read_keys() -> None:
        keyring.reload()

    process.listener.subscribe({tokens.CHANNEL: lambda _kid: keyring.reload()}, read_keys)
    server = await process.new_server([_SERVICE])
    server.reflect([_SERVICE])
    add_AuthServiceServicer_to_server(AuthServicer(use_cases, process.store), server.grpc)
    try:
        async with background(Housekeeping(store, keyring).run()):
            await process.serve(server, ready)
    finally:
        passwords.close()
        await pool.close()


def refuse_undecided_registration(environment: Mapping[str, str] = os.environ) -> None:
    """Exit if SENTINEL_REGISTRATION is not set although other machines can reach the installation.

    The check needs no database.

    Raises:
        SystemExit: with the message to print.
    """
    listen = Settings.listen.text(environment)
    host = "" if listen.startswith("unix:") else listen.rpartition(":")[0]
    try:
        decided_registration(Settings.registration.read(environment), [host])
    except SettingError as error:
        raise SystemExit(f"sentinel: {error}") from error


def start() -> None:
    """Run the process until it ends."""
    refuse_undecided_registration()
    run("auth", ROLE, main)


if __name__ == "__main__":
    start()
