"""Who is calling, as a verified credential says. Set by the authentication interceptor, read by servicers."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID


class Role(IntEnum):
    """What a caller may do; each includes the ones below. The numbers are the contract's."""

    VIEWER = 1
    MEMBER = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A verified caller: a person by an access token, or a machine by an API key.

    Attributes:
        tenant_id: the only tenant whose data this call may touch.
        user_id: the person; None for a machine.
        role: what the caller may do.
        credential_id: the session of the access token, or the API key; revoking it ends what it was good for.
        expire_us: when the credential stops working.
    """

    tenant_id: UUID
    user_id: UUID | None
    role: Role
    credential_id: UUID
    expire_us: int


@dataclass(frozen=True, slots=True)
class Person:
    """A caller who is a person, on methods that are for people only."""

    tenant_id: UUID
    user_id: UUID
    session_id: UUID


_current: ContextVar[Principal] = ContextVar("principal")


def set_principal(principal: Principal) -> None:
    """Make the caller known to this call."""
    _current.set(principal)


def current_principal() -> Principal:
    """The caller of this call.

    Raises:
        LookupError: the method is public, so nobody was identified.
    """
    return _current.get()


def current_person() -> Person:
    """The caller of this call, whose method is for people only.

    Raises:
        LookupError: the caller is not a user, which the access rule should have refused.
    """
    principal = _current.get()
    if principal.user_id is None:
        raise LookupError("the caller is not a user")
    return Person(principal.tenant_id, principal.user_id, principal.credential_id)
