"""The spec of a TCP check."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import tcp_check_pb2

from services.checks.specs.hosts import validate_host
from services.checks.specs.spec import Spec


@dataclass(frozen=True, slots=True)
class TcpSpec(Spec):
    """A TCP port that has to accept connections.

    Attributes:
        host: a name or a literal address, as given by the user.
        port: the port.
        send: the text to send after connecting; may be empty.
        expect: the text that the response has to contain; if empty, a connection is sufficient.
    """

    KIND: ClassVar[str] = "tcp"
    MESSAGE: ClassVar[type[Message]] = tcp_check_pb2.TcpCheck

    host: str
    port: int
    send: str = ""
    expect: str = ""

    @property
    def target(self) -> str:
        """Host and port."""
        return f"{self.host.lower()}:{self.port}"

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """The host."""
        return {"host": self.host}

    def validate(self, field: str) -> None:
        """Refuse an invalid host.

        Raises:
            InvalidArgument: naming the field.
        """
        validate_host(self.host, f"{field}.host")

    def audited(self) -> dict[str, object]:
        """Return the fields for the audit log; of the texts, which may contain secrets, only the sizes."""
        return {
            "host": self.host,
            "port": self.port,
            "sendBytes": len(self.send.encode()),
            "expectBytes": len(self.expect.encode()),
        }
