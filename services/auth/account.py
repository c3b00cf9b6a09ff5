"""The password of the caller. team.py changes the caller's name and deletes the account."""

from typing import TYPE_CHECKING

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth.limits import Limits
from services.auth.passwords import Passwords
from services.platform.clock import now_us
from services.platform.errors import PermissionDenied
from services.platform.security.audit import Actor
from services.platform.security.principal import Person

if TYPE_CHECKING:
    from services.auth.store.users import UserSql


class Account:
    """Use case: change the caller's password.

    Args:
        store: users in PostgreSQL.
        passwords: hashes and verifies.
        limits: limits the attempts at the current password.
    """

    def __init__(self, store: "UserSql", passwords: Passwords, limits: Limits) -> None:
        self._store = store
        self._passwords = passwords
        self._limits = limits

    async def change_password(self, actor: Actor, person: Person, current: str, new: str) -> None:
        """Change the caller's password and end the caller's other sessions.

        Raises:
            PermissionDenied: PASSWORD_WRONG: the current password is wrong, or was changed meanwhile.
            ResourceExhausted: RATE_LIMITED or OVERLOADED.
        """
        async with self._limits.attempt(self._limits.account("password", str(person.user_id))):
            former = await self._store.password_hash(person.tenant_id, person.user_id)
            if not await self._passwords.verify(former, current) or former is None:
                raise _wrong_password()
        new_hash = await self._passwords.hash(new)
        if not await self._store.change_password(actor, person.user_id, former, new_hash, person.session_id, now_us()):
            raise _wrong_password()


def _wrong_password() -> PermissionDenied:
    return PermissionDenied(reasons.ERROR_REASON_PASSWORD_WRONG, "Current password is incorrect.")
