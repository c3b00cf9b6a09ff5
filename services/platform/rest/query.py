"""Strict reading of a query: each parameter names one field, once, which is neither in the path nor in the body.

A plus sign in a string means a space, as in forms, which the transcoder does not decode. In times it is kept: +01:00.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from services.platform.errors import FieldViolation
from services.platform.rest.faults import MOST_FAULTS, closest_name, shortened, violations_error
from services.platform.rest.json_fields import fields_of
from services.platform.rest.routes import WHOLE, Match, Route

_LEAVES = {"google.protobuf.Duration", "google.protobuf.Timestamp", "google.protobuf.FieldMask"}


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    value: str | None
    fields: tuple[FieldDescriptor, ...]

    @property
    def path(self) -> str:
        return ".".join(each.name for each in self.fields)


def validate_query(found: Match, query: str) -> None:
    """Refuse parameters that are unknown, set elsewhere, duplicate or without a value.

    Args:
        found: the route, and the fields that the path sets.
        query: the query as sent, without its question mark.

    Raises:
        InvalidArgument: REQUEST_MALFORMED, with a violation for each parameter.
    """
    if not query:
        return
    violations: list[FieldViolation] = []
    seen: set[str] = set()
    for each in _parameters(found.route, query):
        fault = _fault(found.route, each, seen)
        if fault:
            violations.append(FieldViolation(shortened(unquote(each.name)), fault))
        if len(violations) >= MOST_FAULTS:
            break
    if violations:
        raise violations_error(violations)


def decode_plus_signs(route: Route, query: str, request: Message) -> None:
    """Decode plus signs in string parameters of a transcoded request as spaces.

    Args:
        route: the route of the request.
        query: the query, accepted by validate_query.
        request: the message to change.
    """
    if "+" not in query:
        return
    texts: dict[str, list[_Parameter]] = {}
    for each in _parameters(route, query):
        if each.fields and each.fields[-1].type == FieldDescriptor.TYPE_STRING:
            texts.setdefault(each.path, []).append(each)
    for parameters in texts.values():
        values = [unquote_plus(each.value or "") for each in parameters]
        *outer, last = parameters[0].fields
        message = request
        for field in outer:
            message = getattr(message, field.name)
        if last.is_repeated:
            del getattr(message, last.name)[:]
            getattr(message, last.name).extend(values)
        else:
            setattr(message, last.name, values[-1])


def _parameters(route: Route, query: str) -> Iterator[_Parameter]:
    for piece in query.split("&"):
        if piece:
            name, equals, value = piece.partition("=")
            yield _Parameter(name, value if equals else None, _fields(route, name))


def _fields(route: Route, name: str) -> tuple[FieldDescriptor, ...]:
    """Return the chain of fields that a parameter names, from the request down; empty if it names none."""
    kind: Descriptor | None = route.request
    fields: list[FieldDescriptor] = []
    parts = name.split(".")
    for number, part in enumerate(parts, 1):
        field = fields_of(kind).get(part) if kind is not None else None
        if field is None:
            return ()
        fields.append(field)
        kind = field.message_type
        is_last = number == len(parts)
        is_leaf = kind is None or kind.full_name in _LEAVES
        if is_last != is_leaf or (field.is_repeated and kind is not None):
            return ()
    return tuple(fields)


def _fault(route: Route, parameter: _Parameter, seen: set[str]) -> str:
    if not parameter.fields:
        return _unknown(route, unquote(parameter.name))
    path, first = parameter.path, parameter.fields[0].name
    if path in route.variables:
        return "is set by the path; omit it from the query"
    if route.body in {WHOLE, first}:
        return "must be set in the body, not in the query"
    if parameter.value is None:
        return "must have a value: NAME=VALUE"
    if path in seen and not parameter.fields[-1].is_repeated:
        return "is set more than once"
    seen.add(path)
    return ""


def _unknown(route: Route, name: str) -> str:
    free = [
        each.json_name
        for each in route.request.fields
        if route.body not in {WHOLE, each.name} and not any(each.name == path for path in route.variables)
    ]
    if not free:
        return "unknown parameter; this route takes no query parameters"
    near = closest_name(name, free)
    return f"unknown parameter; did you mean {near}?" if near else f"unknown parameter; supported: {', '.join(free)}"
