"""The base class of specs: the part of a check that depends on its kind.

A kind has a subclass in this folder, a field in the oneof `kind` of the Check message, and a probe in
services/worker/kinds/. The JSON of its message is the common format of contract, database and worker: codec.py converts
it to and from a spec, message_json.py to and from a message.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self
from uuid import UUID

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from sentinel.monitor.v1 import check_pb2

from services.checks.specs import codec, message_json
from services.checks.specs.assertions import Assertion
from services.checks.specs.secrets import HIDDEN, encoded_forms


@dataclass(frozen=True, slots=True)
class Spec(ABC):
    """The target and the expectations of a check of one kind; subclasses are frozen dataclasses.

    Attributes:
        KIND: the name of the kind: the field of the oneof in the contract, and the value in the database.
        MESSAGE: the message of the kind.
        FAILURE_THRESHOLD: the default number of DOWN slots in a row that make a check DOWN.
        CONTACTS_TARGET: whether a run sends requests to a target, so that its duration is meaningful.
    """

    KIND: ClassVar[str]
    MESSAGE: ClassVar[type[Message]]
    FAILURE_THRESHOLD: ClassVar[int] = 2
    CONTACTS_TARGET: ClassVar[bool] = True

    @property
    @abstractmethod
    def target(self) -> str:
        """The target in lower case, by which the number of concurrent runs is limited (semantics.md §20)."""

    @property
    @abstractmethod
    def dialled_hosts(self) -> Mapping[str, str]:
        """The hosts that a run connects to, as names or addresses, by field name of the message."""

    @property
    def assertions(self) -> tuple[Assertion, ...]:
        """The assertions on the observations of an attempt."""
        return ()

    @property
    def implied_assertions(self) -> int:
        """The number of leading assertions that shorthand fields imply; they are not in the check's list."""
        return 0

    def with_body_kept(self) -> Self:
        """Return the spec for an on-demand run, whose response is reported to a user."""
        return self

    @property
    def reads_body(self) -> bool:
        """Whether an attempt may keep the body of a response in memory."""
        return False

    @property
    def audience(self) -> str:
        """The audience of the spec's secrets: they are stored for it, and decrypted for it only."""
        return self.target

    def secret_fields(self) -> Mapping[str, str]:
        """Return the secrets that are set, by their path below the spec, in the field names of the contract."""
        return {}

    def with_secrets(self, _values: Mapping[str, str]) -> Self:
        """Return the spec with the secrets at these paths replaced; unknown paths are ignored."""
        return self

    def secrets(self) -> tuple[str, ...]:
        """Return all texts to mask in output, for `masked`."""
        return tuple(form for value in self.secret_fields().values() for form in encoded_forms(value))

    def hidden(self) -> Self:
        """Return the spec with every secret replaced by HIDDEN, for output."""
        fields = self.secret_fields()
        return self.with_secrets(dict.fromkeys(fields, HIDDEN)) if fields else self

    def merge_secrets(self, stored: Self) -> Self:
        """Return the spec with HIDDEN replaced by the stored secret of the same path.

        Secrets of another audience are not restored: otherwise a user who may change a check but not read its secrets
        could have them sent to another host. HIDDEN remains there, and `validate` rejects it.

        Args:
            stored: the stored spec.
        """
        wanted = [path for path, value in self.secret_fields().items() if value == HIDDEN]
        if not wanted or self.audience != stored.audience:
            return self
        known = stored.secret_fields()
        return self.with_secrets({path: known[path] for path in wanted if path in known})

    @abstractmethod
    def validate(self, field: str) -> None:
        """Refuse an invalid spec, beyond the rules of the contract, and HIDDEN without a stored secret.

        Args:
            field: the path of the spec in the request, such as "check.http".

        Raises:
            InvalidArgument: naming the field.
        """

    def slots_every_us(self, interval_us: int) -> int:
        """Return the time between slots for an interval of the check; both in microseconds."""
        return interval_us

    def bound_to(self, _tenant_id: UUID, _check_id: UUID) -> Self:
        """Return the spec for the runs of a check; kinds that read data of the check store the ids."""
        return self

    def audited(self) -> dict[str, object]:
        """Return the fields for the audit log, without secrets."""
        return MessageToDict(self.to_message(), always_print_fields_with_no_presence=True)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of the spec's message, which may include empty fields."""
        return codec.to_json(self)

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        """Return the spec for the JSON of its message."""
        return codec.from_json(cls, json)

    def to_check_json(self) -> dict[str, Any]:
        """Return the JSON of a Check message with only this spec."""
        return {self.KIND: self.to_json()}

    @classmethod
    def from_check_json(cls, json: Mapping[str, Any]) -> Self:
        """Return the spec for the JSON of a Check message."""
        return cls.from_json(json[cls.KIND])

    def to_message(self) -> Message:
        """Return the message of the spec."""
        return message_json.from_json(self.MESSAGE, self.to_check_json()[self.KIND])

    @classmethod
    def from_message(cls, message: Message) -> Self:
        """Return the spec of a message that was validated by the rules of the contract."""
        return cls.from_json(message_json.to_json(message))

    def into_check(self, check: check_pb2.Check) -> None:
        """Write the spec into a check's message."""
        getattr(check, self.KIND).CopyFrom(self.to_message())
