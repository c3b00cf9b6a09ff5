"""How an attribute of a record is stored and shown: annotations beside its type in the record.

Conversions of results are compiled from them, because every probe uses them: they are as fast as code written by hand,
while loops over a list take up to twice as long.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

SqlType = Literal["bigint", "boolean", "inet", "integer", "smallint", "text", "timestamptz", "uuid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The annotation of an attribute; by default it is stored and shown unchanged, under its own name.

    Attributes:
        sql: the PostgreSQL type of its column.
        column: the column's name.
        field: the name of the message's field, such as "status_code" or "phases.dns".
        is_key: whether the column belongs to the primary key.
        is_nullable: whether the column may be NULL, which is read as the attribute's default.
        is_shown: whether the message has a field for it.
        read: converts the column's value, which is not NULL, to the attribute.
        write: returns the column's value of a record.
        writes_column: whether the attribute writes its column; False if another one that shares it does.
        show: converts the attribute to the field's value.
    """

    sql: SqlType
    column: str = ""
    field: str = ""
    is_key: bool = False
    is_nullable: bool = False
    is_shown: bool = True
    read: Callable[[Any], Any] | None = None
    write: Callable[[Any], Any] | None = None
    writes_column: bool = True
    show: Callable[[Any], Any] | None = None


def stored_attributes(record: type) -> Iterator[tuple[str, Stored]]:
    """Yield the attributes of a record with their annotations, in order.

    Raises:
        TypeError: an attribute has no annotation.
    """
    for name, hint in get_type_hints(record, include_extras=True).items():
        found = [each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Stored)]
        if not found:
            raise TypeError(f"{record.__name__}.{name} does not say how it is stored")
        yield name, found[0]


def compiled(parameters: str, expression: str, names: Mapping[str, object]) -> Callable[..., Any]:
    """Return a function compiled from generated source, as dataclasses do for __init__.

    Args:
        parameters: its parameters, such as "row".
        expression: the expression that it returns.
        names: the values of the other names in the expression.
    """
    return eval(f"lambda {parameters}: {expression}", dict(names))  # type: ignore[no-any-return] # noqa: S307 — generated from names in our own code
