"""Conversion between the domain objects of auth and the contract's messages."""

from collections.abc import Collection
from uuid import UUID

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from sentinel.auth.v1 import api_key_pb2, audit_pb2, session_pb2, user_pb2

from services.auth.model import ApiKey, AuditEntry, Invitation, Session, Tenant, Tokens, User
from services.auth.team import UserChange
from services.platform.clock import to_timestamp
from services.platform.errors import InvalidArgument
from services.platform.rest.named_fields import named_fields
from services.platform.security.audit import JsonObject
from services.platform.security.principal import Role


def tenant_message(tenant: Tenant) -> user_pb2.Tenant:
    """Return a tenant as a message."""
    return user_pb2.Tenant(
        id=str(tenant.id), name=tenant.name, slug=tenant.slug, create_time=to_timestamp(tenant.create_us)
    )


def user_message(user: User) -> user_pb2.User:
    """Return a user as a message."""
    return user_pb2.User(
        id=str(user.id),
        email=user.email,
        display_name=user.display_name,
        role=f"ROLE_{user.role.name}",
        create_time=to_timestamp(user.create_us),
        disabled=user.disabled,
        etag=user.etag,
    )


def tokens_message(tokens: Tokens, *, with_refresh: bool = True) -> session_pb2.Tokens:
    """Return tokens as a message, without the refresh token if only the cookie carries it."""
    return session_pb2.Tokens(
        access_token=tokens.access,
        access_expire_time=to_timestamp(tokens.access_expire_us),
        refresh_token=tokens.refresh if with_refresh else "",
        refresh_expire_time=to_timestamp(tokens.refresh_expire_us),
    )


def session_message(session: Session, current: UUID) -> session_pb2.Session:
    """Return a session as a message; `current` is the id of the caller's session."""
    return session_pb2.Session(
        id=str(session.id),
        create_time=to_timestamp(session.create_us),
        last_use_time=to_timestamp(session.last_use_us),
        expire_time=to_timestamp(session.expire_us),
        client=session.client,
        address=session.address,
        current=session.id == current,
    )


def invitation_message(invitation: Invitation) -> user_pb2.Invitation:
    """Return an invitation as a message, without its token."""
    return user_pb2.Invitation(
        id=str(invitation.id),
        email=invitation.email,
        role=f"ROLE_{invitation.role.name}",
        create_time=to_timestamp(invitation.create_us),
        expire_time=to_timestamp(invitation.expire_us),
    )


def api_key_message(key: ApiKey) -> api_key_pb2.ApiKey:
    """Return an API key as a message, without the key itself."""
    return api_key_pb2.ApiKey(
        id=str(key.id),
        name=key.name,
        role=f"ROLE_{key.role.name}",
        prefix=key.prefix,
        create_time=to_timestamp(key.create_us),
        expire_time=to_timestamp(key.expire_us),
        last_use_time=to_timestamp(key.last_use_us),
    )


def audit_message(entry: AuditEntry) -> audit_pb2.AuditEntry:
    """Return an audit entry as a message."""
    return audit_pb2.AuditEntry(
        id=str(entry.id),
        create_time=to_timestamp(entry.create_us),
        actor=audit_pb2.Actor(
            kind=f"ACTOR_KIND_{entry.actor.kind.name}",
            id=str(entry.actor.id) if entry.actor.id else "",
            name=entry.actor_name,
            address=entry.actor.origin.address,
            client=entry.actor.origin.client,
        ),
        action=entry.change.action,
        resource_id=str(entry.change.resource_id),
        before=_struct(entry.change.before),
        after=_struct(entry.change.after),
        request_id=entry.actor.origin.request_id,
    )


def user_change(user: user_pb2.User, mask: FieldMask, changeable: Collection[str]) -> UserChange:
    """Return the requested change: the fields of the mask, else of the call's JSON, else all that are set (AIP-134).

    Raises:
        InvalidArgument: the mask names an unknown or read-only field, or the role is unset.
    """
    in_json = named_fields()
    named = set(mask.paths) or {
        name for name in changeable if (name in in_json if in_json is not None else _is_there(user, name))
    }
    if unknown := sorted(named - set(changeable)):
        wanted = ", ".join(sorted(changeable))
        raise InvalidArgument.field(
            "update_mask", f"unknown or read-only path {unknown[0]!r}; updatable fields: {wanted}"
        )
    if "role" in named and not user.role:
        raise InvalidArgument.field("user.role", "must be set to a role")
    return UserChange(
        display_name=user.display_name if "display_name" in named else None,
        role=Role(user.role) if "role" in named else None,
        disabled=user.disabled if "disabled" in named else None,
    )


def _is_there(user: user_pb2.User, name: str) -> bool:
    return user.HasField(name) if name == "disabled" else bool(getattr(user, name))


def _struct(values: JsonObject | None) -> Struct | None:
    return None if values is None else ParseDict(dict(values), Struct())
