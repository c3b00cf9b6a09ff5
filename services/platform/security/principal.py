"""The verified caller of a call. Set by the authentication interceptor, read by servicers."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID


class Role(IntEnum):
    """The role of a caller; each includes the ones below. The numbers are the contract's."""

    VIEWER = 1
    MEMBER = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A verified caller: a user by an access token, or a machine by an API key.

    Attributes:
        tenant_id: the only tenant whose data this call may touch.
        user_id: the user; None for a machine.
        role: the role in the tenant.
        credential_id: the session of the access token, or the API key; a revocation names it.
        expire_us: when the credential expires, in microseconds.
    """

    tenant_id: UUID
    user_id: UUID | None
    role: Role
    credential_id: UUID
    expire_us: int


@dataclass(frozen=True, slots=True)
class Person:
    """A user who calls a method that API keys may not call."""

    tenant_id: UUID
    user_id: UUID
    session_id: UUID


_current: ContextVar[Principal] = ContextVar("principal")


def set_principal(principal: Principal) -> None:
    """Set the caller of this call."""
    _current.set(principal)


def current_principal() -> Principal:
    """Return the caller of this call.

    Raises:
        LookupError: the method is public, so the call has no principal.
    """
    return _current.get()


def current_person() -> Person:
    """Return the calling user, on a method that API keys may not call.

    Raises:
        LookupError: the caller is not a user; the access rule should have refused it.
    """
    principal = _current.get()
    if principal.user_id is None:
        raise LookupError("the caller is not a user")
    return Person(principal.tenant_id, principal.user_id, principal.credential_id)
