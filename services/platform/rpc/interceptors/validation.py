"""Validation: the rules of the contract (protovalidate); the error names every violated one."""

from services.platform.rpc.field_rules import FieldRules
from services.platform.rpc.interceptors.call import Call, CallNext


class Validation:
    """The interceptor that refuses requests which violate a rule of the contract."""

    def __init__(self) -> None:
        self._rules = FieldRules()

    async def __call__(self, call: Call, call_next: CallNext) -> None:
        """Validate the request.

        Raises:
            InvalidArgument: FIELD_INVALID with a violation for each rule.
        """
        self._rules.validate(call.request)
        await call_next(call)
