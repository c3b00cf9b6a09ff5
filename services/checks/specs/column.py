"""Between specs and the column `spec_message` of a check, which holds the contract's Check with nothing but the spec.

Secrets are encrypted there, and HIDDEN stands in their place.
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
    """Specs of all kinds of checks: each knows its secrets, and that they are for its target's origin."""

    def secrets(self, value: Spec) -> Mapping[str, str]:
        """Return the secrets of a spec."""
        return value.secret_fields()

    def with_secrets(self, value: Spec, secrets: Mapping[str, str]) -> Spec:
        """Return a spec with others."""
        return value.with_secrets(secrets)

    def audience(self, value: Spec) -> str:
        """Return the origin of the spec's target."""
        return value.audience

    def to_json(self, value: Spec) -> dict[str, Any]:
        """Return a spec as JSON."""
        # By way of the message, so that the column has what Protobuf prints, and nothing that the contract lacks.
        return message_json.to_json(ParseDict(value.to_check_json(), Check()))

    def from_json(self, kind: str, json: dict[str, Any]) -> Spec:
        """Return a spec of a kind."""
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
to_column, shown, opened = CHECK_SPECS.to_column, CHECK_SPECS.shown, CHECK_SPECS.opened
