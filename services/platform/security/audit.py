"""Who did what: the actor of a change, and the entry that is written in the change's own transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from services.platform.security.origin import Origin, current_origin
from services.platform.security.principal import current_principal

JsonObject = Mapping[str, object]


class ActorKind(IntEnum):
    """What kind of caller an actor is. The numbers are the contract's."""

    USER = 1
    API_KEY = 2
    OPERATOR = 3


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something in a tenant, and from where.

    Attributes:
        tenant_id: whose data is changed.
        kind: what kind of caller it is.
        id: the user's or the API key's; None for an operator.
        origin: where the call came from.
    """

    tenant_id: UUID
    kind: ActorKind
    id: UUID | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to what.

    Attributes:
        action: as `<resource>.<verb>`; audit.proto lists them.
        resource_id: what it was done to.
        before: what it looked like; None where there was nothing. Never a secret.
        after: what it looks like now; None where nothing is left. Never a secret.
    """

    action: str
    resource_id: UUID
    before: JsonObject | None = None
    after: JsonObject | None = None


def user_actor(tenant_id: UUID, user_id: UUID, origin: Origin) -> Actor:
    """A person, where the call itself proves who it is: at registering, login and refresh."""
    return Actor(tenant_id, ActorKind.USER, user_id, origin)


def current_actor() -> Actor:
    """The caller of this call.

    Raises:
        LookupError: the method is public, so nobody was identified.
    """
    principal, origin = current_principal(), current_origin()
    if principal.user_id is not None:
        return user_actor(principal.tenant_id, principal.user_id, origin)
    return Actor(principal.tenant_id, ActorKind.API_KEY, principal.credential_id, origin)
