"""The records of a DNS answer (RFC 1035 §4.1.3), aliases followed. Pure; names and data are read by dnspython.

Record by record, and only those that were asked for: dnspython's own message would put all of them into sets, by a hash
of their names in Python, and a hostile answer of 20 KB would hold up the event loop for seconds (docs/adr/0043). What
is read is counted as it is without compression, by which a few bytes can stand for a name of a hundred labels.
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
    """What was asked for.

    Attributes:
        found: the records of the type, at the name or where its aliases lead to.
        alias: where they lead to; None when there are none.
    """

    found: tuple[dns.rdata.Rdata, ...]
    alias: dns.name.Name | None


def records_in(data: bytes, start: int, count: int, name: bytes, type_: dns.rdatatype.RdataType) -> Records:
    """Read the records of an answer.

    Args:
        data: the whole message.
        start: where its records begin.
        count: how many there are.
        name: the name that was asked for, in canonical form.
        type_: the type that was asked for.

    Raises:
        DNSException: it is malformed, or its aliases do not come to an end.
        ProbeFailure: TOO_LARGE.
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
