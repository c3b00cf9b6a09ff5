"""The users of a tenant and their roles. A tenant always keeps at least one active administrator."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth.model import Tenant, User
from services.platform.clock import now_us
from services.platform.errors import Aborted, FailedPrecondition, NotFound, Unauthenticated
from services.platform.paging import Page, Pager
from services.platform.security.audit import Actor
from services.platform.security.principal import Role

if TYPE_CHECKING:
    from services.auth.store.users import UserSql

Decide = Callable[[User, int], User | None]
"""Maps a user and the number of other active administrators to the changed user; None deletes the user."""


@dataclass(frozen=True, slots=True)
class UserFilter:
    """A filter of users; None matches all."""

    role: Role | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class UserChange:
    """A change of a user; None leaves a field unchanged."""

    display_name: str | None = None
    role: Role | None = None
    disabled: bool | None = None


class Team:
    """Use cases of users: list, get, change, delete.

    Args:
        store: users in PostgreSQL.
        pager: reads and writes page tokens.
    """

    def __init__(self, store: "UserSql", pager: Pager) -> None:
        self._store = store
        self._pager = pager

    async def get_caller(self, tenant_id: UUID, user_id: UUID) -> tuple[Tenant, User]:
        """Return the calling user and the tenant.

        Raises:
            Unauthenticated: SESSION_ENDED: the user was deleted.
        """
        found = await self._store.find_user(tenant_id, user_id)
        if found is None:
            raise Unauthenticated(reasons.ERROR_REASON_SESSION_ENDED, "Session has ended. Log in again.")
        return found

    async def get(self, tenant_id: UUID, user_id: UUID) -> User:
        """Return a user of the tenant.

        Raises:
            NotFound: USER_NOT_FOUND.
        """
        found = await self._store.find_user(tenant_id, user_id)
        if found is None:
            raise user_not_found()
        return found[1]

    async def list(self, tenant_id: UUID, wanted: UserFilter, page_size: int, page_token: str) -> Page[User]:
        """Return a page of the tenant's users, oldest first.

        Raises:
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        scope = f"users of role {wanted.role} and disabled {wanted.disabled}"
        request = self._pager.request(tenant_id, scope, page_size, page_token)
        rows, total = await self._store.list_users(tenant_id, wanted, request)
        return self._pager.page(tenant_id, scope, request, rows, total, lambda user: user.id)

    async def change(self, actor: Actor, user_id: UUID, change: UserChange, etag: str) -> User:
        """Change a user; an etag that is not empty has to match the user's.

        Raises:
            NotFound: USER_NOT_FOUND.
            Aborted: ETAG_MISMATCH.
            FailedPrecondition: LAST_ADMIN.
        """
        now = now_us()
        changed = await self._store.change_user(
            actor, user_id, lambda user, others: changed_user(user, others, change, etag, now)
        )
        if changed is None:
            raise user_not_found()
        return changed

    async def delete(self, actor: Actor, user_id: UUID) -> None:
        """Delete a user.

        Raises:
            NotFound: USER_NOT_FOUND.
            FailedPrecondition: LAST_ADMIN.
        """

        def gone(user: User, others: int) -> None:
            refuse_losing_the_last_admin(user, None, others)

        await self._store.change_user(actor, user_id, gone)


def changed_user(user: User, other_admins: int, change: UserChange, etag: str, now: int) -> User:
    """Return the user with the change applied.

    Raises:
        Aborted: ETAG_MISMATCH.
        FailedPrecondition: LAST_ADMIN.
    """
    if etag and etag != user.etag:
        raise Aborted(
            reasons.ERROR_REASON_ETAG_MISMATCH,
            "ETag mismatch: the user was modified since it was read. Fetch it again and retry.",
        )
    wished = replace(
        user,
        display_name=user.display_name if change.display_name is None else change.display_name,
        role=change.role or user.role,
        disabled=user.disabled if change.disabled is None else change.disabled,
    )
    refuse_losing_the_last_admin(user, wished, other_admins)
    # Later than before even if the clock stepped back, so that the etag differs.
    return user if wished == user else replace(wished, update_us=max(now, user.update_us + 1))


def refuse_losing_the_last_admin(before: User, after: User | None, other_admins: int) -> None:
    """Refuse to leave a tenant without an active administrator.

    Raises:
        FailedPrecondition: LAST_ADMIN.
    """
    stays = after is not None and after.is_active_admin
    if before.is_active_admin and not stays and not other_admins:
        raise FailedPrecondition(
            reasons.ERROR_REASON_LAST_ADMIN,
            "The last active administrator cannot be removed. Make another user an administrator first.",
        )


def user_not_found() -> NotFound:
    """Return the error for an unknown user id, or one of another tenant."""
    return NotFound(reasons.ERROR_REASON_USER_NOT_FOUND, "User not found.")
