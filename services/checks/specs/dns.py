"""The spec of a DNS check."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import dns_check_pb2

from services.checks.specs.dns_records import expected_record, name_of
from services.checks.specs.endpoints import parse_endpoint, validate_endpoint
from services.checks.specs.hosts import literal
from services.checks.specs.spec import Spec
from services.platform.errors import InvalidArgument

DNS_PORT = 53
# These characters indicate an address with a port or with brackets instead of a name.
_NEVER_IN_A_NAME = frozenset(b":[]")


@dataclass(frozen=True, slots=True)
class DnsSpec(Spec):
    """A DNS query and the expected records.

    Attributes:
        name: the name to query.
        type: the type of record, such as "MX".
        expected: the complete set of expected records in the format of zone files; if empty, any record is accepted.
        server: the name server, with a port unless it is 53; if empty, the worker's own resolvers.
    """

    KIND: ClassVar[str] = "dns"
    MESSAGE: ClassVar[type[Message]] = dns_check_pb2.DnsCheck

    name: str
    type: str
    expected: tuple[str, ...] = ()
    server: str = ""

    @property
    def target(self) -> str:
        """The host of the name server; the queried name if the worker's own resolvers are used."""
        return parse_endpoint(self.server, DNS_PORT).host if self.server else self.name.lower()

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """The host of the name server, if the check names one."""
        return {"server": parse_endpoint(self.server, DNS_PORT).host} if self.server else {}

    def validate(self, field: str) -> None:
        """Refuse an invalid name, invalid expected records, and an invalid server.

        Raises:
            InvalidArgument: naming the field.
        """
        try:
            name = name_of(self.name, self.type)
        except ValueError as error:
            raise InvalidArgument.field(f"{field}.name", str(error)) from error
        if self.type != "PTR" and literal(self.name.removesuffix(".")) is not None:
            raise InvalidArgument.field(
                f"{field}.name", "must be a DNS name; an IP address is supported only for the type PTR"
            )
        if any(_NEVER_IN_A_NAME & set(label) for label in name.labels):
            raise InvalidArgument.field(f"{field}.name", "must be a DNS name without brackets or port")
        for number, text in enumerate(self.expected):
            try:
                expected_record(text, self.type)
            except ValueError as error:
                raise InvalidArgument.field(f"{field}.expected[{number}]", str(error)) from error
        if self.server:
            validate_endpoint(self.server, f"{field}.server", DNS_PORT)
