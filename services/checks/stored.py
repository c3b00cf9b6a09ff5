"""How a record's attribute is stored and shown: what stands beside its type in the record, which is its only list.

Conversions of results are compiled from it, since every probe passes through them: they cost what code written by hand
costs, where loops over a list cost up to twice as much.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

SqlType = Literal["bigint", "boolean", "inet", "integer", "smallint", "text", "timestamptz", "uuid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What stands beside the type of an attribute; by default it is stored and shown as it is, under its own name.

    Attributes:
        sql: the PostgreSQL type of its column.
        column: the column's name.
        field: the name of the message's field, such as "status_code" or "phases.dns".
        is_key: whether the column belongs to the primary key.
        is_nullable: whether the column may be NULL, which is read as the attribute's default.
        is_shown: whether the message has a field for it.
        copied_to_incidents: whether an incident has the column of its first failing slot.
        read: the attribute from the column's value, which is not NULL.
        write: the column's value from the record.
        writes_column: whether the attribute writes its column; another one does where two share it.
        show: the field's value from the attribute.
    """

    sql: SqlType
    column: str = ""
    field: str = ""
    is_key: bool = False
    is_nullable: bool = False
    is_shown: bool = True
    copied_to_incidents: bool = False
    read: Callable[[Any], Any] | None = None
    write: Callable[[Any], Any] | None = None
    writes_column: bool = True
    show: Callable[[Any], Any] | None = None


def stored_attributes(record: type) -> Iterator[tuple[str, Stored]]:
    """Yield the attributes of a record with what stands beside their types, in their order.

    Raises:
        TypeError: nothing stands beside one.
    """
    for name, hint in get_type_hints(record, include_extras=True).items():
        found = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Stored)]
        if not found:
            raise TypeError(f"{record.__name__}.{name} does not say how it is stored")
        yield name, found[0]


def compiled(parameters: str, expression: str, names: Mapping[str, object]) -> Callable[..., Any]:
    """Return a function made of generated source, as dataclasses make __init__.

    Args:
        parameters: of the function, such as "row".
        expression: what it returns.
        names: the values of the other names in the expression.
    """
    return eval(f"lambda {parameters}: {expression}", dict(names))  # type: ignore[no-any-return] # noqa: S307 — generated from names in our own code
