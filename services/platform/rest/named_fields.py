"""The fields that the JSON of the current call names; they are its update mask if it has none."""

from collections.abc import Sequence
from contextvars import ContextVar

_named: ContextVar[Sequence[str] | None] = ContextVar("named_fields", default=None)


def set_named_fields(paths: Sequence[str]) -> None:
    """Set the fields that the JSON of this call names."""
    _named.set(paths)


def named_fields() -> Sequence[str] | None:
    """Return the fields of the updated message that the JSON names; None for a gRPC call, which has no JSON.

    The paths are those of an update mask ("http.tls.skip_verify"). One that ends in a dot is an empty object: the
    message is present, and no field of it is named.
    """
    return _named.get()
