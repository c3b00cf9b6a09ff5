"""The spec of a TLS check."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import tls_check_pb2

from services.checks.specs.codec import As
from services.checks.specs.hosts import validate_host
from services.checks.specs.spec import Spec
from services.checks.specs.tls_options import TlsOptions


class StartTls(IntEnum):
    """The protocol of STARTTLS; the numbers are those of the contract's enum."""

    SMTP = 1
    IMAP = 2


def _start_tls(name: str) -> StartTls:
    return StartTls(tls_check_pb2.StartTls.Value(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSpec(Spec):
    """A TLS server, and the least validity of its certificate.

    Attributes:
        host: a name or a literal address, as given by the user.
        port: the port.
        min_days_left: the least number of full days until the certificate expires.
        start_tls: the protocol in which to request STARTTLS; None to begin with TLS.
        skip_verify: whether to accept any chain and any name; the expiry is tested in any case.
        ca_certificates: PEM of the authorities to trust instead of the public ones; if empty, the public ones.
        server_name: the name for SNI and verification instead of the host; if empty, the host.
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
        """The options of verification."""
        return TlsOptions(self.skip_verify, self.ca_certificates, self.server_name)

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """The host."""
        return {"host": self.host}

    def validate(self, field: str) -> None:
        """Refuse an invalid host, and authorities that cannot be parsed.

        Raises:
            InvalidArgument: naming the field.
        """
        validate_host(self.host, f"{field}.host")
        self.options.validate(field)

    def audited(self) -> dict[str, object]:
        """Return the fields for the audit log; of the authorities, which may be long, only whether there are any."""
        return {
            "host": self.host,
            "port": self.port,
            "minDaysLeft": self.min_days_left,
            "startTls": self.start_tls and self.start_tls.name,
            "skipVerify": self.skip_verify,
            "ownAuthorities": bool(self.ca_certificates),
            "serverName": self.server_name,
        }
