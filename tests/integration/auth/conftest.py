"""Auth's use cases on a database of the test's own."""

from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from services.auth.account import Account
from services.auth.api_keys import ApiKeys
from services.auth.audit_trail import AuditTrail
from services.auth.invitations import Invitations
from services.auth.limits import Limits
from services.auth.model import SignedIn
from services.auth.passwords import Passwords
from services.auth.registration import Registration
from services.auth.sessions import Sessions
from services.auth.signing import Keyring
from services.auth.store import AuthStore
from services.auth.team import Team
from services.auth.tenants import Tenants
from services.platform.paging import Pager
from services.platform.postgres.common_store import CommonStore
from services.platform.postgres.database import Database, create_pool
from services.platform.security.api_keys import KeyFormat
from services.platform.security.audit import Actor, user_actor
from services.platform.security.origin import Origin
from services.platform.security.registration import RegistrationMode
from services.platform.security.signed_tokens import TokenSigner
from tests.support.database import patient_database

HOME = Origin("192.0.2.1", "test", "request-1")
PASSWORD = "correct horse"  # of users that live as long as a test
_KEY = b"an installation's secret"


class Auth:
    """Everything that auth does.

    Args:
        database: under the role sentinel_auth.
        store: its store.
        folder: for signing keys.
    """

    def __init__(self, database: Database, store: AuthStore, folder: Path) -> None:
        pager = Pager(TokenSigner(_KEY, "page"))
        self.store = store
        self.common = CommonStore(database)
        self.passwords = Passwords()
        self.limits = Limits(store, per_minute=60, burst=30)
        self.keyring = Keyring(folder)
        self.sessions = Sessions(store, self.passwords, self.keyring, self.limits, _KEY)
        self.registration = self.registering(RegistrationMode.OPEN)
        self.account = Account(store, self.passwords, self.limits)
        self.team = Team(store, pager)
        self.invitations = Invitations(store, self.passwords, self.sessions, self.limits, pager)
        self.key_format = KeyFormat(_KEY)
        self.api_keys = ApiKeys(store, self.key_format, pager)
        self.audit_trail = AuditTrail(store, pager)
        self.tenants = Tenants(store)

    def registering(self, mode: RegistrationMode, granted_slugs: Collection[str] = ()) -> Registration:
        """Registration in another mode."""
        return Registration(self.store, self.passwords, self.sessions, self.limits, mode, granted_slugs)

    async def register(self, slug: str = "acme") -> SignedIn:
        """A new tenant."""
        return await self.registration.register(HOME, "Acme", slug, f"a@{slug}.test", PASSWORD, "")

    async def log_in(self, origin: Origin = HOME, password: str = PASSWORD, slug: str = "acme") -> SignedIn:
        """A further session of the tenant's administrator."""
        return await self.sessions.log_in(origin, slug, f"a@{slug}.test", password)


def actor_of(signed_in: SignedIn) -> Actor:
    """The user, as who changes something."""
    return user_actor(signed_in.tenant.id, signed_in.user.id, HOME)


@pytest.fixture
async def auth(database_url: str, tmp_path: Path) -> AsyncIterator[Auth]:
    """Auth on a database of its own."""
    database = patient_database(database_url, "sentinel_auth")
    pool = await create_pool(database_url, "sentinel_auth", 2)
    auth = Auth(database, AuthStore(database, pool), tmp_path)
    yield auth
    auth.passwords.close()
    await pool.close()
    await database.close()
