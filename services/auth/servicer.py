"""AuthService: Protobuf ⇄ domain, nothing else."""

from sentinel.auth.v1 import auth_service_pb2 as pb
from sentinel.auth.v1.auth_service_pb2_grpc import AuthServiceServicer

from services.auth.model import Tenant, Tokens, User
from services.auth.registration import Registration
from services.auth.sessions import Sessions
from services.auth.signing import base64url
from services.common.clock import to_timestamp
from services.common.interceptors.call import Context
from services.common.principal import current_principal
from services.common.store import CommonStore


class AuthServicer(AuthServiceServicer):
    """Answers the RPCs of auth.

    Args:
        registration: makes tenants.
        sessions: starts, continues and ends sessions.
        published: where all replicas' public keys are.
    """

    def __init__(self, registration: Registration, sessions: Sessions, published: CommonStore) -> None:
        self._registration = registration
        self._sessions = sessions
        self._published = published

    async def Register(self, request: pb.RegisterRequest, context: Context) -> pb.RegisterResponse:
        """A new tenant and its first administrator."""
        made = await self._registration.register(
            request.tenant_name, request.tenant_slug, request.email, request.password, request.display_name
        )
        return pb.RegisterResponse(tenant=_tenant(made.tenant), user=_user(made.user), tokens=_tokens(made.tokens))

    async def Login(self, request: pb.LoginRequest, context: Context) -> pb.LoginResponse:
        """A session for who knows the password."""
        made = await self._sessions.log_in(request.tenant_slug, request.email, request.password)
        return pb.LoginResponse(tenant=_tenant(made.tenant), user=_user(made.user), tokens=_tokens(made.tokens))

    async def Refresh(self, request: pb.RefreshRequest, context: Context) -> pb.RefreshResponse:
        """The session's next tokens."""
        return pb.RefreshResponse(tokens=_tokens(await self._sessions.refresh(request.refresh_token)))

    async def Logout(self, request: pb.LogoutRequest, context: Context) -> pb.LogoutResponse:
        """The end of the caller's session."""
        await self._sessions.log_out(current_principal())
        return pb.LogoutResponse()

    async def GetMe(self, request: pb.GetMeRequest, context: Context) -> pb.GetMeResponse:
        """The caller."""
        tenant, user = await self._sessions.who(current_principal())
        return pb.GetMeResponse(tenant=_tenant(tenant), user=_user(user))

    async def GetJwks(self, request: pb.GetJwksRequest, context: Context) -> pb.GetJwksResponse:
        """The public keys of all replicas."""
        keys = await self._published.public_keys()
        return pb.GetJwksResponse(
            keys=[
                pb.JsonWebKey(kty="OKP", crv="Ed25519", kid=kid, use="sig", alg="EdDSA", x=base64url(public))
                for kid, public in keys.items()
            ]
        )


def _tenant(tenant: Tenant) -> pb.Tenant:
    return pb.Tenant(id=str(tenant.id), name=tenant.name, slug=tenant.slug, create_time=to_timestamp(tenant.create_us))


def _user(user: User) -> pb.User:
    return pb.User(
        id=str(user.id),
        email=user.email,
        display_name=user.display_name,
        role=f"ROLE_{user.role.name}",
        create_time=to_timestamp(user.create_us),
    )


def _tokens(tokens: Tokens) -> pb.Tokens:
    return pb.Tokens(
        access_token=tokens.access,
        access_expire_time=to_timestamp(tokens.access_expire_us),
        refresh_token=tokens.refresh,
        refresh_expire_time=to_timestamp(tokens.refresh_expire_us),
    )
