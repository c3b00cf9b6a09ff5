"""The spec of a gRPC check."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import grpc_check_pb2

from services.checks.specs.endpoints import parse_endpoint, validate_endpoint
from services.checks.specs.spec import Spec
from services.checks.specs.tls_options import TlsOptions
from services.platform.errors import InvalidArgument


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcSpec(Spec):
    """A gRPC server with the standard health service.

    Attributes:
        address: host and port.
        service: the service whose health is requested; if empty, that of the whole server.
        tls: whether to connect over TLS.
        skip_verify: whether to accept any certificate.
        ca_certificates: PEM of the authorities to trust instead of the public ones; if empty, the public ones.
        server_name: the name for SNI and verification instead of the host; if empty, the host.
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
        place = parse_endpoint(self.address)
        return f"{place.host}:{place.port}"

    @property
    def options(self) -> TlsOptions:
        """The options of verification over TLS."""
        return TlsOptions(self.skip_verify, self.ca_certificates, self.server_name)

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """The host of the address."""
        return {"address": parse_endpoint(self.address).host}

    def validate(self, field: str) -> None:
        """Refuse an invalid address, TLS options without TLS, and invalid authorities.

        Raises:
            InvalidArgument: naming the field.
        """
        validate_endpoint(self.address, f"{field}.address")
        if not self.tls:
            for name in ("skip_verify", "ca_certificates", "server_name"):
                if getattr(self, name):
                    raise InvalidArgument.field(f"{field}.{name}", "requires tls to be true")
        self.options.validate(field)

    def audited(self) -> dict[str, object]:
        """Return the fields for the audit log; of the authorities, which may be long, only whether there are any."""
        return {
            "address": self.address,
            "service": self.service,
            "tls": self.tls,
            "skipVerify": self.skip_verify,
            "ownAuthorities": bool(self.ca_certificates),
            "serverName": self.server_name,
        }
