"""The conversion of specs to and from the column `spec_message`, which holds a Check message with only the spec.

Secrets are stored encrypted, and replaced by HIDDEN in the message.
"""

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import ParseDict
from sentinel.monitor.v1.check_pb2 import Check

from services.checks.secret_columns import SecretColumn
from services.checks.specs import message_json
from services.checks.specs.kinds import KINDS
from services.checks.specs.spec import Spec


class CheckSpecs(SecretColumn[Spec]):
    """The column of specs of all kinds; a spec defines its secrets and their audience."""

    def secrets(self, value: Spec) -> Mapping[str, str]:
        """Return the secrets of a spec."""
        return value.secret_fields()

    def with_secrets(self, value: Spec, secrets: Mapping[str, str]) -> Spec:
        """Return the spec with its secrets replaced."""
        return value.with_secrets(secrets)

    def audience(self, value: Spec) -> str:
        """Return the audience of the spec's secrets."""
        return value.audience

    def to_json(self, value: Spec) -> dict[str, Any]:
        """Return a spec as JSON."""
        # The message validates the field names and normalizes the values.
        return message_json.to_json(ParseDict(value.to_check_json(), Check()))

    def from_json(self, kind: str, json: dict[str, Any]) -> Spec:
        """Return the spec of a kind for its JSON."""
        return KINDS[kind].from_check_json(json)


CHECK_SPECS = CheckSpecs(
    table="checks",
    column="spec_message",
    kind_column="kind",
    entry="check",
    purpose=b"sentinel-stack secrets of a check, 1",
    fields=(
        "sentinel.monitor.v1.HttpCheck.headers",
        "sentinel.monitor.v1.HttpCheck.bearer_token",
        "sentinel.monitor.v1.BasicAuth.password",
        "sentinel.monitor.v1.ClientCertificate.private_key",
    ),
)
to_column, masked, decrypted = CHECK_SPECS.to_column, CHECK_SPECS.masked, CHECK_SPECS.decrypted
