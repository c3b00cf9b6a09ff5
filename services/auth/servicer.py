"""AuthService: Protobuf ⇄ domain, nothing else."""

from dataclasses import dataclass
from uuid import UUID

from google.protobuf.timestamp_pb2 import Timestamp
from sentinel.auth.v1 import auth_service_pb2 as pb
from sentinel.auth.v1 import jwks_pb2
from sentinel.auth.v1.auth_service_pb2_grpc import AuthServiceServicer

from services.auth import cookies
from services.auth.account import Account
from services.auth.api_keys import ApiKeys
from services.auth.audit_trail import AuditFilter, AuditTrail
from services.auth.invitations import Invitations
from services.auth.messages import (
    api_key_message,
    audit_message,
    invitation_message,
    session_message,
    tenant_message,
    tokens_message,
    user_change,
    user_message,
)
from services.auth.model import Tokens
from services.auth.registration import Registration
from services.auth.sessions import Sessions
from services.auth.signing import base64url
from services.auth.team import Team, UserFilter
from services.platform.clock import from_timestamp, now_us
from services.platform.postgres.common_store import CommonStore
from services.platform.rpc.interceptors.call import Context
from services.platform.security.audit import current_actor
from services.platform.security.origin import current_origin
from services.platform.security.principal import Role, current_person, current_principal

_JWKS_CACHE = (("cache-control", "public, max-age=300"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """The use cases of auth.

    Attributes:
        registration: registers tenants.
        sessions: starts, refreshes, lists and ends sessions.
        account: changes the caller's password.
        team: lists, changes and deletes users.
        invitations: invites users, and lets them accept.
        api_keys: creates, lists and deletes API keys.
        audit_trail: lists the audit log.
    """

    registration: Registration
    sessions: Sessions
    account: Account
    team: Team
    invitations: Invitations
    api_keys: ApiKeys
    audit_trail: AuditTrail


class AuthServicer(AuthServiceServicer):
    """The RPCs of AuthService.

    Args:
        use_cases: the use cases of auth.
        published: the public keys of all replicas, in PostgreSQL.
    """

    def __init__(self, use_cases: UseCases, published: CommonStore) -> None:
        self._use_cases = use_cases
        self._published = published

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        """Register a tenant and its first administrator."""
        made = await self._use_cases.registration.register(
            current_origin(),
            request.tenant_name,
            request.tenant_slug,
            request.email,
            request.password,
            request.display_name,
            request.invitation_token,
        )
        await _set_refresh_cookie(context, made.tokens)
        return pb.RegisterResponse(
            tenant=tenant_message(made.tenant), user=user_message(made.user), tokens=tokens_message(made.tokens)
        )

    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.LoginResponse:
        """Start a session by email and password."""
        made = await self._use_cases.sessions.log_in(
            current_origin(), request.tenant_slug, request.email, request.password
        )
        await _set_refresh_cookie(context, made.tokens)
        return pb.LoginResponse(
            tenant=tenant_message(made.tenant), user=user_message(made.user), tokens=tokens_message(made.tokens)
        )

    async def AcceptInvitation(
        self, request: pb.AcceptInvitationRequest, context: Context
    ) -> pb.AcceptInvitationResponse:
        """Create the invited user and start a session."""
        made = await self._use_cases.invitations.accept(
            current_origin(), request.token, request.password, request.display_name
        )
        await _set_refresh_cookie(context, made.tokens)
        return pb.AcceptInvitationResponse(
            tenant=tenant_message(made.tenant), user=user_message(made.user), tokens=tokens_message(made.tokens)
        )

    async def Refresh(self, request: pb.RefreshRequest, context: Context) -> pb.RefreshResponse:
        """Return new tokens; a token that came as a cookie is returned only as a cookie."""
        token = request.refresh_token or cookies.read(_metadata(context))
        tokens = await self._use_cases.sessions.refresh(current_origin(), token)
        if not request.refresh_token:
            await _set_refresh_cookie(context, tokens)
        return pb.RefreshResponse(tokens=tokens_message(tokens, with_refresh=bool(request.refresh_token)))

    async def Logout(self, request: pb.LogoutRequest, context: Context) -> pb.LogoutResponse:
        """End the caller's session."""
        await self._use_cases.sessions.log_out(current_actor(), current_person())
        await context.send_initial_metadata((("set-cookie", cookies.clear()),))
        return pb.LogoutResponse()

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> pb.GetMeResponse:
        """Return the caller: a user or an API key."""
        caller = current_principal()
        if caller.user_id is None:
            tenant, key = await self._use_cases.api_keys.get_caller(caller.tenant_id, caller.credential_id)
            return pb.GetMeResponse(tenant=tenant_message(tenant), api_key=api_key_message(key))
        tenant, user = await self._use_cases.team.get_caller(caller.tenant_id, caller.user_id)
        return pb.GetMeResponse(tenant=tenant_message(tenant), user=user_message(user))

    async def UpdateMe(self, request: pb.UpdateMeRequest, context: Context) -> pb.UpdateMeResponse:
        """Update the caller."""
        change = user_change(request.user, request.update_mask, {"display_name"})
        user = await self._use_cases.team.change(current_actor(), current_person().user_id, change, request.user.etag)
        return pb.UpdateMeResponse(user=user_message(user))

    async def ChangePassword(self, request: pb.ChangePasswordRequest, context: Context) -> pb.ChangePasswordResponse:
        """Change the caller's password and end the caller's other sessions."""
        await self._use_cases.account.change_password(
            current_actor(), current_person(), request.current_password, request.new_password
        )
        return pb.ChangePasswordResponse()

    async def DeleteMe(self, request: pb.DeleteMeRequest, context: Context) -> pb.DeleteMeResponse:
        """Delete the caller's account."""
        await self._use_cases.team.delete(current_actor(), current_person().user_id)
        await context.send_initial_metadata((("set-cookie", cookies.clear()),))
        return pb.DeleteMeResponse()

    async def ListSessions(self, request: pb.ListSessionsRequest, context: Context) -> pb.ListSessionsResponse:
        """List the caller's sessions."""
        person = current_person()
        sessions = await self._use_cases.sessions.list(person)
        return pb.ListSessionsResponse(sessions=[session_message(each, person.session_id) for each in sessions])

    async def EndSession(self, request: pb.EndSessionRequest, context: Context) -> pb.EndSessionResponse:
        """End one of the caller's sessions."""
        await self._use_cases.sessions.end(current_actor(), current_person(), UUID(request.session_id))
        return pb.EndSessionResponse()

    async def EndOtherSessions(
        self, request: pb.EndOtherSessionsRequest, context: Context
    ) -> pb.EndOtherSessionsResponse:
        """End the caller's other sessions."""
        ended = await self._use_cases.sessions.end_others(current_actor(), current_person())
        return pb.EndOtherSessionsResponse(ended_count=ended)

    async def ListUsers(self, request: pb.ListUsersRequest, context: Context) -> pb.ListUsersResponse:
        """List users."""
        wanted = UserFilter(
            Role(request.role) if request.HasField("role") else None,
            request.disabled if request.HasField("disabled") else None,
        )
        page = await self._use_cases.team.list(
            current_principal().tenant_id, wanted, request.page_size, request.page_token
        )
        users = [user_message(user) for user in page.items]
        return pb.ListUsersResponse(users=users, next_page_token=page.next_token, total_size=page.total)

    async def GetUser(self, request: pb.GetUserRequest, context: Context) -> pb.GetUserResponse:
        """Return a user."""
        user = await self._use_cases.team.get(current_principal().tenant_id, UUID(request.user_id))
        return pb.GetUserResponse(user=user_message(user))

    async def UpdateUser(self, request: pb.UpdateUserRequest, context: Context) -> pb.UpdateUserResponse:
        """Update a user."""
        change = user_change(request.user, request.update_mask, {"role", "disabled"})
        user = await self._use_cases.team.change(current_actor(), UUID(request.user.id), change, request.user.etag)
        return pb.UpdateUserResponse(user=user_message(user))

    async def DeleteUser(self, request: pb.DeleteUserRequest, context: Context) -> pb.DeleteUserResponse:
        """Delete a user."""
        await self._use_cases.team.delete(current_actor(), UUID(request.user_id))
        return pb.DeleteUserResponse()

    async def InviteUser(self, request: pb.InviteUserRequest, context: Context) -> pb.InviteUserResponse:
        """Invite a user; return the token, which is shown once."""
        invitation, token = await self._use_cases.invitations.invite(current_actor(), request.email, Role(request.role))
        return pb.InviteUserResponse(invitation=invitation_message(invitation), token=token)

    async def ListInvitations(self, request: pb.ListInvitationsRequest, context: Context) -> pb.ListInvitationsResponse:
        """List open invitations."""
        page = await self._use_cases.invitations.list(
            current_principal().tenant_id, request.page_size, request.page_token
        )
        return pb.ListInvitationsResponse(
            invitations=[invitation_message(each) for each in page.items],
            next_page_token=page.next_token,
            total_size=page.total,
        )

    async def RevokeInvitation(
        self, request: pb.RevokeInvitationRequest, context: Context
    ) -> pb.RevokeInvitationResponse:
        """Revoke an invitation."""
        await self._use_cases.invitations.revoke(current_actor(), UUID(request.invitation_id))
        return pb.RevokeInvitationResponse()

    async def CreateApiKey(self, request: pb.CreateApiKeyRequest, context: Context) -> pb.CreateApiKeyResponse:
        """Create an API key; return the key, which is shown once."""
        expire_us = from_timestamp(request.expire_time) if request.HasField("expire_time") else None
        key, secret = await self._use_cases.api_keys.create(
            current_actor(), request.name, Role(request.role), expire_us
        )
        return pb.CreateApiKeyResponse(api_key=api_key_message(key), key=secret)

    async def ListApiKeys(self, request: pb.ListApiKeysRequest, context: Context) -> pb.ListApiKeysResponse:
        """List API keys."""
        page = await self._use_cases.api_keys.list(current_principal().tenant_id, request.page_size, request.page_token)
        keys = [api_key_message(key) for key in page.items]
        return pb.ListApiKeysResponse(api_keys=keys, next_page_token=page.next_token, total_size=page.total)

    async def DeleteApiKey(self, request: pb.DeleteApiKeyRequest, context: Context) -> pb.DeleteApiKeyResponse:
        """Delete an API key."""
        await self._use_cases.api_keys.delete(current_actor(), UUID(request.api_key_id))
        return pb.DeleteApiKeyResponse()

    async def ListAuditEntries(
        self, request: pb.ListAuditEntriesRequest, context: Context
    ) -> pb.ListAuditEntriesResponse:
        """List audit entries."""

        def moment(name: str, value: Timestamp) -> int | None:
            return from_timestamp(value) if request.HasField(name) else None

        wanted = AuditFilter(
            UUID(request.actor_id) if request.HasField("actor_id") else None,
            request.action,
            moment("start_time", request.start_time),
            moment("end_time", request.end_time),
        )
        page = await self._use_cases.audit_trail.list(
            current_principal().tenant_id, wanted, request.page_size, request.page_token
        )
        return pb.ListAuditEntriesResponse(
            audit_entries=[audit_message(entry) for entry in page.items],
            next_page_token=page.next_token,
            total_size=page.total,
        )

    async def GetJwks(self, request: pb.GetJwksRequest, context: Context) -> pb.GetJwksResponse:
        """Return the public keys of all replicas."""
        keys = await self._published.public_keys()
        await context.send_initial_metadata(_JWKS_CACHE)
        return pb.GetJwksResponse(
            keys=[
                jwks_pb2.JsonWebKey(kty="OKP", crv="Ed25519", kid=kid, use="sig", alg="EdDSA", x=base64url(public))
                for kid, public in keys.items()
            ]
        )


def _metadata(context: Context) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


async def _set_refresh_cookie(context: Context, tokens: Tokens) -> None:
    """Set the cookie with the refresh token, unless a page of another origin made the call."""
    if not cookies.is_cross_origin(_metadata(context)):
        cookie = cookies.write(tokens.refresh, tokens.refresh_expire_us, now_us())
        await context.send_initial_metadata((("set-cookie", cookie),))
