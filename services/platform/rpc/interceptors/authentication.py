"""Authentication: verify the bearer token of every method that is not public."""

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import Unauthenticated
from services.platform.rpc.interceptors.call import Call, CallNext
from services.platform.security.credentials import Credentials
from services.platform.security.principal import set_principal

_SCHEME = "bearer "


class Authentication:
    """The interceptor that sets the principal of a call; no other header identifies the caller.

    Args:
        credentials: verifies bearer tokens.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def __call__(self, call: Call, call_next: CallNext) -> None:
        """Identify the caller.

        Raises:
            Unauthenticated: TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED or SESSION_ENDED.
            PermissionDenied: TENANT_SUSPENDED.
        """
        if not call.rule.public:
            header = call.metadata.get("authorization", "")
            if not header:
                raise Unauthenticated(
                    reasons.ERROR_REASON_TOKEN_MISSING,
                    "Authentication required. Send the header `authorization: Bearer <token>`.",
                )
            if header[: len(_SCHEME)].lower() != _SCHEME:
                raise Unauthenticated(
                    reasons.ERROR_REASON_TOKEN_INVALID, "The authorization header is not a bearer token."
                )
            call.principal = await self._credentials.identify(header[len(_SCHEME) :].strip())
            set_principal(call.principal)
        await call_next(call)
