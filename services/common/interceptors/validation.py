"""Is the request what the contract asks for: protovalidate's rules, and every broken one named."""

import protovalidate

from services.common.errors import FieldViolation, InvalidArgument
from services.common.interceptors.call import Call, Step


class Validation:
    """Refuses requests that break a rule of the contract."""

    def __init__(self) -> None:
        self._validator = protovalidate.Validator()

    async def __call__(self, call: Call, following: Step) -> None:
        """Validate the request.

        Raises:
            InvalidArgument: FIELD_INVALID with a violation for each broken rule.
        """
        broken = self._validator.collect_violations(call.request)
        if broken:
            violations = [FieldViolation(_path(each), each.proto.message) for each in broken]
            message = "; ".join(f"{each.field}: {each.description}" for each in violations)
            raise InvalidArgument(message, violations)
        await following(call)


def _path(violation: protovalidate.Violation) -> str:
    """The field's path in the contract's spelling: "check.http.url", "labels['a b']".

    A rule of ours over a whole message blames the field that its id begins with: "timeout.below_interval".
    """
    parts: list[str] = []
    elements = violation.proto.field.elements if violation.proto.field else ()
    for element in elements:
        subscript = f"[{element.subscript.value!r}]" if element.subscript is not None else ""
        parts.append(element.field_name + subscript)
    field, dot, _ = violation.proto.rule_id.partition(".")
    if not violation.proto.rule and dot:
        parts.append(field)
    return ".".join(parts)
