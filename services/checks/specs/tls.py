"""What a TLS check probes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import tls_check_pb2

from services.checks.specs.codec import As
from services.checks.specs.hosts import refuse_bad_host
from services.checks.specs.spec import Spec
from services.checks.specs.tls_options import TlsOptions


class StartTls(IntEnum):
    """What is spoken in plain before TLS begins; the numbers are the contract's."""

    SMTP = 1
    IMAP = 2


def _start_tls(name: str) -> StartTls:
    return StartTls(tls_check_pb2.StartTls.Value(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSpec(Spec):
    """A TLS server, and how long its certificate must be good for.

    Attributes:
        host: a name or a literal address, as its author gave it.
        port: where to connect.
        min_days_left: full days until the certificate expires, at the least.
        start_tls: what is spoken first; nothing when None.
        skip_verify: whether any chain and any name are taken; the days are looked at all the same.
        ca_certificates: PEM of the authorities to trust instead of the public ones; the public ones when empty.
        server_name: the name to ask for and to verify, instead of the host; the host when empty.
    """

    KIND: ClassVar[str] = "tls"
    MESSAGE: ClassVar[type[Message]] = tls_check_pb2.TlsCheck

    host: str
    port: int
    min_days_left: int = 0
    start_tls: Annotated[StartTls | None, As(read=_start_tls, write=tls_check_pb2.StartTls.Name)] = None
    skip_verify: bool = False
    ca_certificates: str = ""
    server_name: str = ""

    @property
    def target(self) -> str:
        """Host and port."""
        return f"{self.host.lower()}:{self.port}"

    @property
    def options(self) -> TlsOptions:
        """How the server is verified."""
        return TlsOptions(self.skip_verify, self.ca_certificates, self.server_name)

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """The host."""
        return {"host": self.host}

    def refuse_bad(self, field: str) -> None:
        """Refuse a host that could not be dialled, and authorities that could not be read.

        Raises:
            InvalidArgument: naming the field.
        """
        refuse_bad_host(self.host, f"{field}.host")
        self.options.refuse_bad(field)

    def audited(self) -> dict[str, object]:
        """What the audit log shows: of the authorities, which may be long, only that there are some."""
        return {
            "host": self.host,
            "port": self.port,
            "minDaysLeft": self.min_days_left,
            "startTls": self.start_tls and self.start_tls.name,
            "skipVerify": self.skip_verify,
            "ownAuthorities": bool(self.ca_certificates),
            "serverName": self.server_name,
        }
