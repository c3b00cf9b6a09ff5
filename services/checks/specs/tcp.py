"""What a TCP check probes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import tcp_check_pb2

from services.checks.specs.hosts import refuse_bad_host
from services.checks.specs.spec import Spec


@dataclass(frozen=True, slots=True)
class TcpSpec(Spec):
    """A port that takes connections.

    Attributes:
        host: a name or a literal address, as its author gave it.
        port: where to connect.
        send: what to send once connected; nothing when empty.
        expect: what must come then; a connection is enough when empty.
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

    def refuse_bad(self, field: str) -> None:
        """Refuse a host that could not be dialled.

        Raises:
            InvalidArgument: naming the field.
        """
        refuse_bad_host(self.host, f"{field}.host")

    def audited(self) -> dict[str, object]:
        """What the audit log shows; what is sent and expected may be secrets."""
        return {
            "host": self.host,
            "port": self.port,
            "sendBytes": len(self.send.encode()),
            "expectBytes": len(self.expect.encode()),
        }
