"""Read the records of a DNS response and follow aliases (RFC 1035 §4.1.3). Pure; dnspython parses names and data.

Only records of the queried type and aliases are read, one by one. dnspython's Message would group all records by a hash
of their names, computed in Python, so a hostile response of 20 KB would block the event loop for seconds
(docs/adr/0043). The size limit counts uncompressed bytes, because a few compressed bytes can stand for a name of a
hundred labels.
"""

from typing import NamedTuple

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.wire

from services.checks.outcome import ErrorKind
from services.checks.specs.dns_records import canonical
from services.wire.probe_failure import ProbeFailure

_MOST_RECORDS = 256
MOST_BYTES = 32_768
_MOST_ALIASES = 16
_TTL = 4


class Records(NamedTuple):
    """The records that were queried.

    Attributes:
        found: the records of the type, at the name or at the end of its aliases.
        alias: the name at the end of the aliases; None without aliases.
    """

    found: tuple[dns.rdata.Rdata, ...]
    alias: dns.name.Name | None


def records_in(data: bytes, start: int, count: int, name: bytes, type_: dns.rdatatype.RdataType) -> Records:
    """Return the records of a response.

    Args:
        data: the whole message.
        start: the offset of the answer section.
        count: the number of its records.
        name: the queried name, in canonical form.
        type_: the queried type.

    Raises:
        DNSException: the response is malformed, or has more than 16 aliases in a row.
        ProbeFailure: TOO_LARGE, for more than 256 records or 32 KiB.
    """
    if count > _MOST_RECORDS:
        raise ProbeFailure(ErrorKind.TOO_LARGE, f"DNS response has more than {_MOST_RECORDS} records")
    left = MOST_BYTES
    found: dict[bytes, list[dns.rdata.Rdata]] = {}
    aliases: dict[bytes, dns.name.Name] = {}
    parser = dns.wire.Parser(data, start)
    for _ in range(count):
        owner = dns.name.from_wire_parser(parser).to_digestable()
        left -= len(owner)
        kind, class_ = dns.rdatatype.RdataType.make(parser.get_uint16()), parser.get_uint16()
        parser.get_bytes(_TTL)
        size = parser.get_uint16()
        if class_ != dns.rdataclass.IN or kind not in {type_, dns.rdatatype.CNAME}:
            parser.get_bytes(size)
            continue
        with parser.restrict_to(size):
            rdata = dns.rdata.from_wire_parser(dns.rdataclass.IN, kind, parser)
        left -= len(canonical(rdata))
        if left < 0:
            raise ProbeFailure(ErrorKind.TOO_LARGE, "DNS response is larger than 32 KiB")
        if kind == type_:
            found.setdefault(owner, []).append(rdata)
        elif isinstance(rdata, dns.rdtypes.ANY.CNAME.CNAME):
            aliases[owner] = rdata.target
    alias = None
    for _ in range(_MOST_ALIASES):
        following = None if name in found else aliases.get(name)
        if following is None:
            return Records(tuple(found.get(name, ())), alias)
        name, alias = following.to_digestable(), following
    raise dns.exception.FormError
