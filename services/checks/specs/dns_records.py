"""DNS names and records between text and what can be compared, by dnspython. Pure.

Records compare by what they say: names in lower case, addresses as they are written shortest, a TXT record as its
strings joined, for where it is cut into strings is an accident of its length. dnspython's own canonical form takes time
that grows with the square of a name's labels, which are a hostile server's to choose.
"""

import ipaddress
from collections.abc import Callable
from typing import TypeAlias, TypeVar

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.CAA
import dns.rdtypes.txtbase
import dns.reversename

Canonical: TypeAlias = bytes
"""A record's data; equal when the records say the same."""

_QUOTE = '"'
_T = TypeVar("_T")


def name_of(text: str, type_: str) -> dns.name.Name:
    """The absolute name that is asked for; that of an address when its PTR is asked for.

    Raises:
        ValueError: it is no name; the message is a phrase for its author.
    """
    if type_ == "PTR":
        try:
            return dns.reversename.from_address(str(ipaddress.ip_address(text)))
        except ValueError:
            pass  # a name then
    return _parsed(lambda: dns.name.from_text(text, dns.name.root, dns.name.IDNA_2008_Practical), "must be a DNS name")


def expected_record(text: str, type_: str) -> Canonical:
    """What its author expects of a record.

    Args:
        text: as a zone file writes it; TXT also without quotes.
        type_: such as "MX".

    Raises:
        ValueError: it can be no record of the type; the message is a phrase for its author.
    """
    if type_ == "TXT" and not text.startswith(_QUOTE):
        return text.encode()
    rdata = _parsed(
        lambda: dns.rdata.from_text(
            dns.rdataclass.IN,
            dns.rdatatype.from_text(type_),
            text,
            origin=dns.name.root,
            relativize=False,
            idna_codec=dns.name.IDNA_2008_Practical,
        ),
        f"must be the data of a record of type {type_}, as in a zone file",
    )
    return canonical(rdata)


def canonical(rdata: dns.rdata.Rdata) -> Canonical:
    """A record for comparison with others of its type; about as long as the record without compression."""
    if isinstance(rdata, dns.rdtypes.txtbase.TXTBase):
        return b"".join(rdata.strings)
    if isinstance(rdata, dns.rdtypes.ANY.CAA.CAA):
        return b"%d %s %s" % (rdata.flags, rdata.tag.lower(), rdata.value)  # RFC 8659 §4.1
    return shown(rdata).lower().encode()


def shown(rdata: dns.rdata.Rdata) -> str:
    """A record for people; nothing in it but printable ASCII."""
    return rdata.to_text(dns.name.root, relativize=False)


def _parsed(parse: Callable[[], _T], otherwise: str) -> _T:
    try:
        return parse()
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(otherwise) from error
