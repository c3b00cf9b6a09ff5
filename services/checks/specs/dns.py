"""What a DNS check asks for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import dns_check_pb2

from services.checks.specs.dns_records import expected_record, name_of
from services.checks.specs.hosts import literal
from services.checks.specs.places import place_of, refuse_bad_place
from services.checks.specs.spec import Spec
from services.platform.errors import InvalidArgument

DNS_PORT = 53
# Of whoever writes a place where a name belongs.
_NEVER_IN_A_NAME = frozenset(b":[]")


@dataclass(frozen=True, slots=True)
class DnsSpec(Spec):
    """A DNS record and what it must say.

    Attributes:
        name: the name that is asked for.
        type: of the record, such as "MX".
        expected: all that the records say, as a zone file writes it; anything when empty.
        server: the name server to ask, with a port if it is not 53; the worker's own when empty.
    """

    KIND: ClassVar[str] = "dns"
    MESSAGE: ClassVar[type[Message]] = dns_check_pb2.DnsCheck

    name: str
    type: str
    expected: tuple[str, ...] = ()
    server: str = ""

    @property
    def target(self) -> str:
        """The name server's host; the name where it is one of our own that is asked."""
        return place_of(self.server, DNS_PORT).host if self.server else self.name.lower()

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """The host of the name server, if the check chooses one."""
        return {"server": place_of(self.server, DNS_PORT).host} if self.server else {}

    def refuse_bad(self, field: str) -> None:
        """Refuse a name that cannot be asked for, records that there cannot be, and a server that cannot be one.

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
            refuse_bad_place(self.server, f"{field}.server", DNS_PORT)
