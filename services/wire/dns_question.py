"""One DNS question as bytes, and what answers it (RFC 1035, RFC 6891). Pure."""

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
# Type and class, behind the name that is asked for.
_FIXED = 4
_IS_ANSWER = 0x8000
_OPCODE = 0x7800
_TRUNCATED = 0x0200
_RECURSION_DESIRED = 0x0100
_RCODE = 0x000F
# As much as passes everywhere in one piece (DNS flag day 2020).
_LARGEST_DATAGRAM = 1232
_OPT = struct.pack("!BHHIH", 0, dns.rdatatype.OPT, _LARGEST_DATAGRAM, 0, 0)
# What a server may answer without repeating the question: that it did not get as far as to understand it.
_WITHOUT_QUESTION = frozenset({dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a name server said to a question.

    Attributes:
        rcode: how it went.
        is_truncated: whether it says that there is more than fits; then there are no records.
        records: those of the type that was asked for, aliases followed.
        alias: where the name's aliases lead to, empty when it is none.
    """

    rcode: dns.rcode.Rcode
    is_truncated: bool = False
    records: tuple[dns.rdata.Rdata, ...] = ()
    alias: str = ""


class Outline(NamedTuple):
    """What the header of an answer says, and where its records are.

    Attributes:
        rcode: how it went.
        is_truncated: whether it says that there is more than fits.
        start: where the records of the answer begin.
        records: how many there are.
    """

    rcode: dns.rcode.Rcode
    is_truncated: bool
    start: int
    records: int


class Question:
    """A question; some hundred bytes.

    Args:
        name: an absolute name, in wire form and lower case.
        type_: such as MX.
    """

    __slots__ = ("_asked", "_type")

    def __init__(self, name: bytes, type_: int) -> None:
        self._type = type_
        self._asked = name + struct.pack("!2H", type_, dns.rdataclass.IN)

    def wire(self, number: int, *, edns: bool = True) -> bytes:
        """The question as it is sent.

        Args:
            number: 16 bits by which its answer is known.
            edns: whether to say that answers may be longer than 512 bytes; some old servers do not understand it.
        """
        header = _HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, int(edns))
        return header + self._asked + (_OPT if edns else b"")

    def outline(self, data: bytes, number: int) -> Outline | None:
        """What the header of some bytes says; None when they are no answer to this question."""
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
        """What some bytes say to this question; None when they are no answer to it, but to another or none at all.

        Raises:
            ProbeFailure: they answer it, and are malformed or too many.
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
        """Whether the answer is to this name, in any case, type and class."""
        repeated = data[_HEADER.size : _HEADER.size + len(self._asked)]
        return repeated[:-_FIXED].lower() + repeated[-_FIXED:] == self._asked
