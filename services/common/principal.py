"""Who is calling, as a verified token says. Set by the authentication interceptor, read by servicers."""

from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID


class Role(IntEnum):
    """What a user may do; each includes the ones below. The numbers are the contract's."""

    VIEWER = 1
    MEMBER = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller.

    Attributes:
        tenant_id: the only tenant whose data this call may touch.
        user_id: who.
        role: what they may do.
        session_id: the session that the token belongs to; ending it ends the token.
        expire_us: when the token stops working.
    """

    tenant_id: UUID
    user_id: UUID
    role: Role
    session_id: UUID
    expire_us: int


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
