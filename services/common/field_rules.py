"""The contract's rules of fields (protovalidate), and every broken one named."""

import protovalidate
from google.protobuf.message import Message

from services.common.errors import FieldViolation, InvalidArgument


class FieldRules:
    """Holds messages to the rules of their fields; compiled once for each kind of message."""

    def __init__(self) -> None:
        self._validator = protovalidate.Validator()

    def refuse_broken(self, message: Message, at: str = "") -> None:
        """Refuse a message that breaks a rule.

        Args:
            message: the message.
            at: the path of the field that holds it; empty for a request itself.

        Raises:
            InvalidArgument: FIELD_INVALID with a violation for each broken rule.
        """
        broken = self._validator.collect_violations(message)
        if broken:
            violations = [FieldViolation(_path(each, at), each.proto.message) for each in broken]
            sentence = "; ".join(f"{each.field}: {each.description}" for each in violations)
            raise InvalidArgument(sentence, violations)


def _path(violation: protovalidate.Violation, at: str) -> str:
    """The field's path in the contract's spelling: "check.http.url", "labels['a b']".

    A rule of ours over a whole message blames the field that its id begins with, up to the last dot:
    "timeout.below_interval", "user.id.required".
    """
    parts = [at] if at else []
    elements = violation.proto.field.elements if violation.proto.field else ()
    for element in elements:
        subscript = f"[{element.subscript.value!r}]" if element.subscript is not None else ""
        parts.append(element.field_name + subscript)
    field, dot, _ = violation.proto.rule_id.rpartition(".")
    if not violation.proto.rule and dot:
        parts.append(field)
    return ".".join(parts)
