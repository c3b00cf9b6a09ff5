"""The audit log: the actor of a change, and the entry that is written in the change's own transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from uuid import UUID

from services.platform.security.origin import Origin, current_origin
from services.platform.security.principal import current_principal

JsonObject = Mapping[str, object]


class ActorKind(IntEnum):
    """The kind of an actor. The numbers are the contract's."""

    USER = 1
    API_KEY = 2
    OPERATOR = 3


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of a change in a tenant, with the origin of the call.

    Attributes:
        tenant_id: the tenant that is changed.
        kind: the kind of caller.
        id: the id of the user or API key; None for an operator.
        origin: the origin of the call.
    """

    tenant_id: UUID
    kind: ActorKind
    id: UUID | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a resource.

    Attributes:
        action: `<resource>.<verb>`; audit.proto lists them.
        resource_id: the id of the resource.
        before: its fields before; None if it did not exist. Never a secret.
        after: its fields after; None if it was deleted. Never a secret.
    """

    action: str
    resource_id: UUID
    before: JsonObject | None = None
    after: JsonObject | None = None


def user_actor(tenant_id: UUID, user_id: UUID, origin: Origin) -> Actor:
    """Return a user as the actor, for calls that identify it themselves: registration, login, refresh."""
    return Actor(tenant_id, ActorKind.USER, user_id, origin)


def current_actor() -> Actor:
    """Return the caller of this call as the actor.

    Raises:
        LookupError: the method is public, so the call has no principal.
    """
    principal, origin = current_principal(), current_origin()
    if principal.user_id is not None:
        return user_actor(principal.tenant_id, principal.user_id, origin)
    return Actor(principal.tenant_id, ActorKind.API_KEY, principal.credential_id, origin)
