"""What a gRPC check asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import grpc_check_pb2

from services.checks.specs.places import place_of, refuse_bad_place
from services.checks.specs.spec import Spec
from services.checks.specs.tls_options import TlsOptions
from services.platform.errors import InvalidArgument


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcSpec(Spec):
    """A gRPC server that speaks the standard health protocol.

    Attributes:
        address: host and port.
        service: the service to ask for; the server as a whole when empty.
        tls: whether the connection is under TLS.
        skip_verify: whether any certificate is taken.
        ca_certificates: PEM of the authorities to trust instead of the public ones; the public ones when empty.
        server_name: the name to ask for and to verify, instead of the host; the host when empty.
    """

    KIND: ClassVar[str] = "grpc"
    MESSAGE: ClassVar[type[Message]] = grpc_check_pb2.GrpcCheck

    address: str
    service: str = ""
    tls: bool = False
    skip_verify: bool = False
    ca_certificates: str = ""
    server_name: str = ""

    @property
    def target(self) -> str:
        """Host and port."""
        place = place_of(self.address)
        return f"{place.host}:{place.port}"

    @property
    def options(self) -> TlsOptions:
        """How the server is verified under TLS."""
        return TlsOptions(self.skip_verify, self.ca_certificates, self.server_name)

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """The host in the address."""
        return {"address": place_of(self.address).host}

    def refuse_bad(self, field: str) -> None:
        """Refuse an address that could not be dialled, and a verification that there will not be.

        Raises:
            InvalidArgument: naming the field.
        """
        refuse_bad_place(self.address, f"{field}.address")
        if not self.tls:
            for name in ("skip_verify", "ca_certificates", "server_name"):
                if getattr(self, name):
                    raise InvalidArgument.field(f"{field}.{name}", "requires tls to be true")
        self.options.refuse_bad(field)

    def audited(self) -> dict[str, object]:
        """What the audit log shows: of the authorities, which may be long, only that there are some."""
        return {
            "address": self.address,
            "service": self.service,
            "tls": self.tls,
            "skipVerify": self.skip_verify,
            "ownAuthorities": bool(self.ca_certificates),
            "serverName": self.server_name,
        }
