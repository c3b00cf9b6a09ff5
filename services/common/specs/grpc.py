"""What a gRPC check asks."""

from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import check_pb2 as pb

from services.common.errors import InvalidArgument
from services.common.specs.places import place_of, refuse_bad_place
from services.common.specs.spec import Spec
from services.common.specs.tls_options import TlsOptions


@dataclass(frozen=True, slots=True)
class GrpcSpec(Spec):
    """A gRPC server that speaks the standard health protocol.

    Attributes:
        address: host and port.
        service: the service to ask for; the server as a whole when empty.
        tls: whether the connection is under TLS.
        tls_options: how the server is verified; by the public authorities and the host when None.
    """

    KIND: ClassVar[str] = "grpc"
    MESSAGE: ClassVar[type[Message]] = pb.GrpcCheck

    address: str
    service: str = ""
    tls: bool = False
    tls_options: TlsOptions | None = None

    @property
    def target(self) -> str:
        """Host and port."""
        place = place_of(self.address)
        return f"{place.host}:{place.port}"

    def refuse_bad(self, field: str) -> None:
        """Refuse an address that could not be dialled, and a verification that there will not be.

        Raises:
            InvalidArgument: naming the field.
        """
        refuse_bad_place(self.address, f"{field}.address")
        if self.tls_options is not None:
            if not self.tls:
                raise InvalidArgument.field(f"{field}.tls_options", "is for a connection under tls")
            self.tls_options.refuse_bad(f"{field}.tls_options")

    def audited(self) -> dict[str, object]:
        """What the audit log shows: certificates are too long for it."""
        return {"address": self.address, "service": self.service, "tls": self.tls}
