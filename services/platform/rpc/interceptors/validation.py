"""Is the request what the contract asks for: protovalidate's rules, and every broken one named."""

from services.platform.rpc.field_rules import FieldRules
from services.platform.rpc.interceptors.call import Call, Step


class Validation:
    """Refuses requests that break a rule of the contract."""

    def __init__(self) -> None:
        self._rules = FieldRules()

    async def __call__(self, call: Call, following: Step) -> None:
        """Validate the request.

        Raises:
            InvalidArgument: FIELD_INVALID with a violation for each broken rule.
        """
        self._rules.refuse_broken(call.request)
        await following(call)
