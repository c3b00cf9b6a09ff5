"""Descriptions of certificate errors, which name the certificate. Pure."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import NameOID

from services.wire.certificate import UNREADABLE, allow_invalid_serials

EXPIRED = "certificate has expired"
NOT_YET = "certificate is not yet valid"
UNKNOWN_AUTHORITY = "certificate signed by an unknown authority"
NAME_MISMATCH = "certificate host name mismatch"
NOT_VALID = "certificate is not valid"
# OpenSSL's error numbers (x509_vfy.h).
_SELF_SIGNED, _SELF_SIGNED_ROOT = 18, 19
_WEAK_KEY, _WEAK_AUTHORITY, _WEAK_DIGEST = 66, 67, 68
_KINDS = {
    2: UNKNOWN_AUTHORITY,  # its issuer is missing
    9: NOT_YET,
    10: EXPIRED,
    _SELF_SIGNED: UNKNOWN_AUTHORITY,
    _SELF_SIGNED_ROOT: UNKNOWN_AUTHORITY,  # the root is self-signed
    20: UNKNOWN_AUTHORITY,  # its issuer is neither sent nor trusted
    21: UNKNOWN_AUTHORITY,  # it is the only certificate
    62: NAME_MISMATCH,
    64: NAME_MISMATCH,  # for another address
}
_MOST_NAMES = 4
_LONGEST_NAME = 64


def describe_fault(code: int, words: str, chain: Sequence[bytes], name: str, now: datetime) -> str:
    """Return a description of what is wrong with a server's certificate.

    Args:
        code: OpenSSL's number of the error.
        words: OpenSSL's description of the fault.
        chain: the certificates that the server sent, in DER, its own first; empty if unknown.
        name: the name that the certificate should have.
        now: the present time.
    """
    kind = _KINDS.get(code, NOT_VALID)
    details = ""
    with allow_invalid_serials(), suppress(*UNREADABLE):  # some can only be parsed by OpenSSL
        certificates = [x509.load_der_x509_certificate(each) for each in chain]
        details = _details(code, kind, certificates, name, now) if certificates else ""
    if kind == NOT_VALID:
        return f"{kind}: {words}{details}"
    return f"{kind}: {details or words}"


def _details(code: int, kind: str, chain: Sequence[x509.Certificate], name: str, now: datetime) -> str:
    own, top = chain[0], _top(chain)
    if kind in {EXPIRED, NOT_YET}:
        return _dates(kind, chain, now) or f"certificate of the trusted authority {_called(top.issuer)}"
    if kind == NAME_MISMATCH:
        return f"expected {name}, certificate has {_names(own)}"
    if kind == UNKNOWN_AUTHORITY:
        return _unknown_authority(code, own, top)
    return _weakness(code, chain) or f" (certificate of {_called(own.subject)}, issued by {_called(own.issuer)})"


def _dates(kind: str, chain: Sequence[x509.Certificate], now: datetime) -> str:
    for each in chain:
        who = _called(each.subject) if each is chain[0] else f"issuing authority {_called(each.subject)}"
        if kind == EXPIRED and each.not_valid_after_utc < now:
            return f"{who} was valid until {_moment(each.not_valid_after_utc)}"
        if kind == NOT_YET and each.not_valid_before_utc > now:
            return f"{who} is valid from {_moment(each.not_valid_before_utc)}"
    return ""


def _unknown_authority(code: int, own: x509.Certificate, top: x509.Certificate) -> str:
    if code == _SELF_SIGNED:
        return f"{_called(own.subject)} is self-signed"
    if code == _SELF_SIGNED_ROOT:
        return f"the chain ends at {_called(top.subject)}, which is self-signed"
    return f"{_called(top.issuer)}, the issuer of {_called(top.subject)}, is neither trusted nor sent by the server"


def _weakness(code: int, chain: Sequence[x509.Certificate]) -> str:
    if code in {_WEAK_KEY, _WEAK_AUTHORITY}:
        for each in chain[:1] if code == _WEAK_KEY else chain[1:]:
            key = each.public_key()
            if isinstance(key, RSAPublicKey):
                return f" (certificate of {_called(each.subject)}, RSA with {key.key_size} bits)"
    if code == _WEAK_DIGEST:
        for each in chain:
            digest = each.signature_hash_algorithm
            if digest is not None and digest.name in {"sha1", "md5"}:
                return f" (certificate of {_called(each.subject)}, signed with {digest.name.upper()})"
    return ""


def _top(chain: Sequence[x509.Certificate]) -> x509.Certificate:
    """Return the last certificate of the chain; certificates outside the chain are ignored."""
    at = chain[0]
    for _ in chain:
        above = next((each for each in chain if each.subject == at.issuer and each.subject != at.subject), None)
        if above is None:
            break
        at = above
    return at


def _names(certificate: x509.Certificate) -> str:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return f"no subject alternative name, only {_called(certificate.subject)}"
    names = [
        *extension.get_values_for_type(x509.DNSName),
        *map(str, extension.get_values_for_type(x509.IPAddress)),
    ]
    if not names:
        return f"no subject alternative name, only {_called(certificate.subject)}"
    named = ", ".join(_clean(each) for each in names[:_MOST_NAMES])
    return named if len(names) <= _MOST_NAMES else f"{named} and {len(names) - _MOST_NAMES} more"


def _called(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    if common:
        return f"CN={_clean(str(common[0].value))}"
    return _clean(name.rfc4514_string()) or "a certificate without a subject"


def _clean(text: str) -> str:
    """Return a text of a certificate, printable and truncated."""
    return "".join(each if each.isprintable() else "?" for each in text)[:_LONGEST_NAME]


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
