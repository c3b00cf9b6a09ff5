"""Authorization: the method's access rule in the contract against the caller's role. Default deny."""

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import PermissionDenied
from services.platform.rpc.interceptors.call import Call, CallNext


async def check_access(call: Call, call_next: CallNext) -> None:
    """Let the call pass if its rule admits the caller.

    Raises:
        PermissionDenied: METHOD_CLOSED if the method has no rule; ROLE_INSUFFICIENT; PERSON_REQUIRED.
    """
    rule = call.rule
    if not rule.public:
        if rule.role is None:
            raise PermissionDenied(reasons.ERROR_REASON_METHOD_CLOSED, "This method cannot be called.")
        if call.principal is None or call.principal.role < rule.role:
            needed = rule.role.name.lower()
            raise PermissionDenied(reasons.ERROR_REASON_ROLE_INSUFFICIENT, f"This method requires the role {needed}.")
        if rule.person_only and call.principal.user_id is None:
            message = "This method concerns a user's own account. It cannot be called with an API key."
            raise PermissionDenied(reasons.ERROR_REASON_PERSON_REQUIRED, message)
    await call_next(call)
