"""Who is calling: verifies the bearer token of every method that is not public."""

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.common.ended_sessions import EndedSessions
from services.common.errors import Unauthenticated
from services.common.interceptors.call import Call, Step
from services.common.principal import set_principal
from services.common.tokens import TokenVerifier

_SCHEME = "bearer "


class Authentication:
    """Puts a verified principal on the call; no other header says who is calling.

    Args:
        verifier: verifies access tokens.
        ended: sessions whose tokens no longer count.
    """

    def __init__(self, verifier: TokenVerifier, ended: EndedSessions) -> None:
        self._verifier = verifier
        self._ended = ended

    async def __call__(self, call: Call, following: Step) -> None:
        """Identify the caller.

        Raises:
            Unauthenticated: TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED or SESSION_ENDED.
        """
        if not call.rule.public:
            header = call.metadata.get("authorization", "")
            if not header:
                raise Unauthenticated(
                    reasons.ERROR_REASON_TOKEN_MISSING, "this needs a header `authorization: Bearer …`"
                )
            if header[: len(_SCHEME)].lower() != _SCHEME:
                raise Unauthenticated(
                    reasons.ERROR_REASON_TOKEN_INVALID, "the authorization header is not a bearer token"
                )
            principal = await self._verifier.verify(header[len(_SCHEME) :].strip())
            if principal.session_id in self._ended:
                raise Unauthenticated(reasons.ERROR_REASON_SESSION_ENDED, "the session was ended; log in again")
            call.principal = principal
            set_principal(principal)
        await following(call)
