"""What a check probes: the part of it that differs by kind, between the contract, the database and the worker.

A kind is a class here, a branch of the contract's oneof, and a file in services/worker/kinds/. The JSON of its message
is between all three: codec.py makes it of a spec and a spec of it, message_json.py knows the message.
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
from services.checks.specs.secrets import HIDDEN, forms


@dataclass(frozen=True, slots=True)
class Spec(ABC):
    """What a check of one kind probes, and what it expects; a frozen dataclass.

    Attributes:
        KIND: its name: the contract's branch, and what the database calls it.
        MESSAGE: how the contract says it.
        FAILURE_THRESHOLD: how many DOWN slots in a row make its check DOWN unless its author says another number.
        ASKS: whether a run asks a target, so that how long it took tells something.
    """

    KIND: ClassVar[str]
    MESSAGE: ClassVar[type[Message]]
    FAILURE_THRESHOLD: ClassVar[int] = 2
    ASKS: ClassVar[bool] = True

    @property
    @abstractmethod
    def target(self) -> str:
        """The host that it burdens, in lower case; so many runs at the most burden one at a time (semantics.md §20)."""

    @property
    @abstractmethod
    def dialled_hosts(self) -> Mapping[str, str]:
        """The hosts that a run connects to, names or addresses, by their fields in the contract's spelling."""

    @property
    def assertions(self) -> tuple[Assertion, ...]:
        """What has to be true of what an attempt learns."""
        return ()

    @property
    def implied_assertions(self) -> int:
        """How many of them, from the first on, say what is not in the check's list of assertions."""
        return 0

    def showing(self) -> Self:
        """The same for a run whose answer people want to see."""
        return self

    @property
    def reads_body(self) -> bool:
        """Whether an attempt may keep as much in memory as an HTTP answer's body."""
        return False

    @property
    def audience(self) -> str:
        """Whom its secrets are for: kept for nobody else, and opened for nobody else."""
        return self.target

    def secret_fields(self) -> Mapping[str, str]:
        """The secrets that there are, by where they are below the spec, in the contract's spelling."""
        return {}

    def with_secrets(self, _values: Mapping[str, str]) -> Self:
        """The same with these secrets in their places; what is in no place of it is left out."""
        return self

    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be shown, as `masked` takes them."""
        return tuple(form for value in self.secret_fields().values() for form in forms(value))

    def hidden(self) -> Self:
        """The same with HIDDEN in the place of every secret: as it may be shown."""
        fields = self.secret_fields()
        return self.with_secrets(dict.fromkeys(fields, HIDDEN)) if fields else self

    def keeping(self, stored: Self) -> Self:
        """The same where HIDDEN stands for what is stored in that place.

        What is stored for somebody else is not kept: whoever may change a check, and not read its secrets, would have
        them sent to a host of their own. HIDDEN stays there, and refuse_bad refuses it.
        """
        wanted = [path for path, value in self.secret_fields().items() if value == HIDDEN]
        if not wanted or self.audience != stored.audience:
            return self
        known = stored.secret_fields()
        return self.with_secrets({path: known[path] for path in wanted if path in known})

    @abstractmethod
    def refuse_bad(self, field: str) -> None:
        """Refuse what could never be probed, beyond what the contract's rules see, and HIDDEN in place of a secret.

        Args:
            field: where the spec is in the request, such as "check.http".

        Raises:
            InvalidArgument: naming the field.
        """

    def slots_every_us(self, interval_us: int) -> int:
        """From one slot to the next, in microseconds, when the contract's interval is this."""
        return interval_us

    def run_for(self, _tenant_id: UUID, _check_id: UUID) -> Self:
        """As a worker runs it for a check; only a kind that looks something up has to know for which."""
        return self

    def audited(self) -> dict[str, object]:
        """What the audit log shows of it; nothing that may be a secret."""
        return MessageToDict(self.to_message(), always_print_fields_with_no_presence=True)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of its message, in which what is empty may stand too."""
        return codec.to_json(self)

    @classmethod
    def from_json(cls, json: Mapping[str, Any]) -> Self:
        """Return the spec that the JSON of its message describes."""
        return codec.from_json(cls, json)

    def to_check_json(self) -> dict[str, Any]:
        """Return the JSON of a check that says nothing else."""
        return {self.KIND: self.to_json()}

    @classmethod
    def from_check_json(cls, json: Mapping[str, Any]) -> Self:
        """Return the spec that the JSON of a check describes."""
        return cls.from_json(json[cls.KIND])

    def to_message(self) -> Message:
        """Return its message."""
        return message_json.from_json(self.MESSAGE, self.to_check_json()[self.KIND])

    @classmethod
    def from_message(cls, message: Message) -> Self:
        """Return the spec of a message that the contract's rules have let through."""
        return cls.from_json(message_json.to_json(message))

    def into_check(self, check: check_pb2.Check) -> None:
        """Write it into a check's message."""
        getattr(check, self.KIND).CopyFrom(self.to_message())
