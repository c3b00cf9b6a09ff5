"""The fields that the JSON of the current call names, which are its update mask if it has none."""

from collections.abc import Sequence
from contextvars import ContextVar

_named: ContextVar[Sequence[str] | None] = ContextVar("named_fields", default=None)


def set_named_fields(paths: Sequence[str]) -> None:
    """Tell this call what the JSON of its request names."""
    _named.set(paths)


def named_fields() -> Sequence[str] | None:
    """Return what the JSON names of the message that is updated; None for a call by gRPC, which has no JSON.

    The paths are those of an update mask ("http.tls.skip_verify"). One that ends in a dot is an empty object: the
    message is there, and nothing in it is named.
    """
    return _named.get()
