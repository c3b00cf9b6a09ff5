"""A field that the contract marks as a secret is registered, so that all that secrets need follows (docs/adr/0031)."""

from google.protobuf.descriptor import FieldDescriptor
from sentinel.options.v1 import secret_pb2

from services.checks.secret_registry import SECRET_COLUMNS
from services.checks.specs.secrets import is_secret_name
from tests.support.contract import fields_of_requests

# Their names sound like secrets; none is a secret that is stored.
_NO_SECRETS = {"page_token", "secret_headers"}


def is_marked(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[secret_pb2.secret])  # type: ignore[index]


def test_the_marked_fields_are_the_registered_ones() -> None:
    marked = {field.full_name for field in fields_of_requests() if is_marked(field)}

    assert marked
    assert marked == {name for column in SECRET_COLUMNS for name in column.fields}


def test_a_field_is_registered_once() -> None:
    names = [name for column in SECRET_COLUMNS for name in column.fields]

    assert len(names) == len(set(names))


def test_no_field_of_monitor_is_a_secret_by_its_name_only() -> None:
    """What auth takes is hashed, or shown once and hashed."""
    found = [
        field
        for field in fields_of_requests()
        if field.full_name.startswith("sentinel.monitor.v1.")
        and field.type == FieldDescriptor.TYPE_STRING
        and is_secret_name(field.name)
        and field.name not in _NO_SECRETS
    ]

    assert found
    assert [field.full_name for field in found if not is_marked(field)] == []
