"""Parsing of DNS names and records, and their canonical form for comparison, by dnspython. Pure.

Records are equal if their canonical forms are: names in lower case, addresses in their shortest form, the strings of a
TXT record joined, since how a text is split into strings depends on its length only. dnspython's own canonical form is
not used: it takes time quadratic in the number of labels, which an untrusted server chooses.
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
"""The canonical form of a record's data; equal for equal records."""

_QUOTE = '"'
_T = TypeVar("_T")


def name_of(text: str, type_: str) -> dns.name.Name:
    """Return the absolute name to query; for the type PTR and an address, its name for reverse lookups.

    Args:
        text: a name, or an address for the type PTR.
        type_: the type of record, such as "MX".

    Raises:
        ValueError: the text is not a name; the message is fit for an error of the field.
    """
    if type_ == "PTR":
        try:
            return dns.reversename.from_address(str(ipaddress.ip_address(text)))
        except ValueError:
            pass  # not an address, so a name
    return _parsed(lambda: dns.name.from_text(text, dns.name.root, dns.name.IDNA_2008_Practical), "must be a DNS name")


def expected_record(text: str, type_: str) -> Canonical:
    """Return the canonical form of an expected record.

    Args:
        text: the record's data in the format of zone files; for the type TXT also a text without quotes.
        type_: the type of record, such as "MX".

    Raises:
        ValueError: the text is not a record of this type; the message is fit for an error of the field.
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
    """Return the canonical form of a record's data, about as long as the uncompressed record."""
    if isinstance(rdata, dns.rdtypes.txtbase.TXTBase):
        return b"".join(rdata.strings)
    if isinstance(rdata, dns.rdtypes.ANY.CAA.CAA):
        return b"%d %s %s" % (rdata.flags, rdata.tag.lower(), rdata.value)  # RFC 8659 §4.1
    return shown(rdata).lower().encode()


def shown(rdata: dns.rdata.Rdata) -> str:
    """Return a record's data in the format of zone files, in printable ASCII."""
    return rdata.to_text(dns.name.root, relativize=False)


def _parsed(parse: Callable[[], _T], otherwise: str) -> _T:
    try:
        return parse()
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(otherwise) from error
