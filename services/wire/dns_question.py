"""Encode a DNS question, and match and parse responses to it (RFC 1035, RFC 6891). Pure."""

import struct
from dataclasses import dataclass
from typing import NamedTuple

import dns.exception
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from services.checks.outcome import ErrorKind
from services.wire.dns_answer import records_in
from services.wire.probe_failure import ProbeFailure

_HEADER = struct.Struct("!6H")
# The size of type and class, which follow the queried name.
_FIXED = 4
_IS_ANSWER = 0x8000
_OPCODE = 0x7800
_TRUNCATED = 0x0200
_RECURSION_DESIRED = 0x0100
_RCODE = 0x000F
# The largest datagram that is not fragmented on common paths (DNS flag day 2020).
_LARGEST_DATAGRAM = 1232
_OPT = struct.pack("!BHHIH", 0, dns.rdatatype.OPT, _LARGEST_DATAGRAM, 0, 0)
# The response codes with which a server may omit the question, because it did not parse or process it.
_WITHOUT_QUESTION = frozenset({dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED})


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply of a name server to a question.

    Attributes:
        rcode: the response code.
        is_truncated: whether the response is truncated; then there are no records.
        records: the records of the queried type, aliases followed.
        alias: the name at the end of the aliases; empty without aliases.
    """

    rcode: dns.rcode.Rcode
    is_truncated: bool = False
    records: tuple[dns.rdata.Rdata, ...] = ()
    alias: str = ""


class Outline(NamedTuple):
    """The header of a response, and the location of its records.

    Attributes:
        rcode: the response code.
        is_truncated: whether the response is truncated.
        start: the offset of the answer section.
        records: the number of its records.
    """

    rcode: dns.rcode.Rcode
    is_truncated: bool
    start: int
    records: int


class Question:
    """A DNS question.

    Args:
        name: an absolute name, in wire form and lower case.
        type_: the record type, such as MX.
    """

    __slots__ = ("_asked", "_type")

    def __init__(self, name: bytes, type_: int) -> None:
        self._type = type_
        self._asked = name + struct.pack("!2H", type_, dns.rdataclass.IN)

    def wire(self, number: int, *, edns: bool = True) -> bytes:
        """Return the query message.

        Args:
            number: the 16-bit id that its response repeats.
            edns: whether to accept responses of more than 512 bytes; some old servers do not support EDNS.
        """
        header = _HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, int(edns))
        return header + self._asked + (_OPT if edns else b"")

    def outline(self, data: bytes, number: int) -> Outline | None:
        """Return the header of a response; None if the bytes are not a response to this question and id."""
        if len(data) < _HEADER.size:
            return None
        id_, flags, questions, count, _, _ = _HEADER.unpack_from(data)
        rcode = dns.rcode.Rcode.make(flags & _RCODE)
        if id_ != number or not flags & _IS_ANSWER or flags & _OPCODE:
            return None
        if not (self._is_repeated_in(data) if questions == 1 else questions == 0 and rcode in _WITHOUT_QUESTION):
            return None
        return Outline(rcode, bool(flags & _TRUNCATED), _HEADER.size + len(self._asked), count)

    def answered_by(self, data: bytes, number: int) -> Reply | None:
        """Return the reply in a response; None if the bytes are not a response to this question and id.

        Raises:
            ProbeFailure: the response is malformed (PROTOCOL) or too large (TOO_LARGE).
        """
        outline = self.outline(data, number)
        if outline is None:
            return None
        if outline.is_truncated or outline.rcode:
            return Reply(outline.rcode, is_truncated=outline.is_truncated)
        type_ = dns.rdatatype.RdataType.make(self._type)
        try:
            records, alias = records_in(data, outline.start, outline.records, self._asked[:-_FIXED], type_)
        except dns.exception.DNSException as error:
            raise ProbeFailure(ErrorKind.PROTOCOL, "malformed DNS response") from error
        return Reply(outline.rcode, records=records, alias=alias.to_text() if alias else "")

    def _is_repeated_in(self, data: bytes) -> bool:
        """Return whether a response repeats this name (ignoring case), type and class."""
        repeated = data[_HEADER.size : _HEADER.size + len(self._asked)]
        return repeated[:-_FIXED].lower() + repeated[-_FIXED:] == self._asked
