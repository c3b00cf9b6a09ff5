"""Certificate chains that two TLS libraries judge alike, because nothing in them is unusual. Pure.

rustls verifies signatures, dates, names and basic constraints as OpenSSL does, and omits what OpenSSL also checks: key
usage of authorities, the dates of a root, key identifiers, Netscape's extensions. If a certificate has any of that in
an unusual form, or an unusual path to its root, OpenSSL judges.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from ipaddress import ip_address
from typing import NamedTuple, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from services.wire.certificate import UNREADABLE, allow_invalid_serials

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
_LEAST_RSA_BITS = 2_048
_DIGESTS = frozenset({"sha256", "sha384", "sha512"})
_UNUSUAL = frozenset({ExtensionOID.NAME_CONSTRAINTS.dotted_string, "2.16.840.1.113730.1.1"})  # Netscape's purposes
_MAY_BE_CRITICAL = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)
_LEAST_LABELS_OF_WILDCARD = 3


class PlainChain(NamedTuple):
    """A chain that is judged alike while it is valid.

    Attributes:
        valid_from: when the last of its certificates becomes valid, in seconds since the epoch.
        valid_until: when the first one expires, in seconds since the epoch.
        not_after: when the server's own certificate expires.
    """

    valid_from: float
    valid_until: float
    not_after: datetime


class PlainAnchors:
    """Authorities at which plain chains may end.

    Args:
        certificates: the trusted certificates, in DER.
        others: the number of further trusted certificates.

    Attributes:
        plain: those in which nothing is unusual, in DER.
        are_all_plain: whether these are all.
    """

    def __init__(self, certificates: Iterable[bytes], others: int = 0) -> None:
        given = list(dict.fromkeys(certificates))
        with allow_invalid_serials():
            read = [(der, _read(der)) for der in given]
            # If two have the same name, libraries may choose either.
            names = Counter(each.subject for _, each in read if each is not None)
            plain = [
                (der, each) for der, each in read if each is not None and names[each.subject] == 1 and _is_root(each)
            ]
        self.plain = [der for der, _ in plain]
        self.are_all_plain = len(plain) == len(given) + others
        self._by_subject = {each.subject: each for _, each in plain}

    def chain_of(self, sent: Sequence[bytes], name: str) -> PlainChain | None:
        """Return the plain chain of a server's certificates; None if there is none.

        Args:
            sent: the certificates that the server sent, in DER, its own first.
            name: the DNS name or IP address of the server.
        """
        with allow_invalid_serials(), suppress(*UNREADABLE, InvalidSignature):
            certificates = [x509.load_der_x509_certificate(each) for each in sent]
            return self._chain_of(certificates, name) if certificates else None
        return None

    def _chain_of(self, sent: Sequence[x509.Certificate], name: str) -> PlainChain | None:
        own = sent[0]
        if not (_is_usual(own) and _is_for_servers(own) and is_for(own, name)):
            return None
        path = [own]
        for above in (*sent[1:], None):
            root = self._by_subject.get(path[-1].issuer)
            if root is not None:
                if not _leads_to(path[-1], root, len(path) - 1):
                    return None
                path.append(root)
                return PlainChain(
                    max(each.not_valid_before_utc for each in path).timestamp(),
                    min(each.not_valid_after_utc for each in path).timestamp(),
                    own.not_valid_after_utc,
                )
            if above is None or not (_is_authority(above) and _leads_to(path[-1], above, len(path) - 1)):
                return None
            path.append(above)
        return None


def _read(der: bytes) -> x509.Certificate | None:
    try:
        return x509.load_der_x509_certificate(der)
    except UNREADABLE:
        return None


def _is_root(certificate: x509.Certificate) -> bool:
    try:
        return certificate.subject == certificate.issuer and _is_authority(certificate, signed_well=False)
    except UNREADABLE:
        return False


def _is_authority(certificate: x509.Certificate, *, signed_well: bool = True) -> bool:
    if not _is_usual(certificate, signed_well=signed_well):
        return False
    constraints = _extension(certificate, x509.BasicConstraints)
    usage, purposes = _extension(certificate, x509.KeyUsage), _extension(certificate, x509.ExtendedKeyUsage)
    return (
        constraints is not None
        and constraints.ca
        and (usage is None or usage.key_cert_sign)
        and (purposes is None or ExtendedKeyUsageOID.SERVER_AUTH in purposes)
    )


def _is_for_servers(certificate: x509.Certificate) -> bool:
    constraints = _extension(certificate, x509.BasicConstraints)
    usage, purposes = _extension(certificate, x509.KeyUsage), _extension(certificate, x509.ExtendedKeyUsage)
    return (
        (constraints is None or not constraints.ca)
        and (usage is None or usage.digital_signature)
        and (purposes is None or ExtendedKeyUsageOID.SERVER_AUTH in purposes)
    )


def _is_usual(certificate: x509.Certificate, *, signed_well: bool = True) -> bool:
    """Return whether key, signature and extensions are usual; the signature of a root is never verified."""
    if certificate.version is not x509.Version.v3:
        return False
    key, digest = certificate.public_key(), certificate.signature_hash_algorithm
    if isinstance(key, RSAPublicKey):
        if key.key_size < _LEAST_RSA_BITS:
            return False
    elif not isinstance(key, EllipticCurvePublicKey | Ed25519PublicKey):
        return False
    if signed_well and digest is not None and digest.name not in _DIGESTS:
        return False
    return all(
        each.oid.dotted_string not in _UNUSUAL and (not each.critical or each.oid in _MAY_BE_CRITICAL)
        for each in certificate.extensions
    )


def _leads_to(certificate: x509.Certificate, issuer: x509.Certificate, below: int) -> bool:
    """Return whether an authority issued a certificate; `below` counts the authorities between it and the server."""
    constraints = _extension(issuer, x509.BasicConstraints)
    if constraints is None or (constraints.path_length is not None and constraints.path_length < below):
        return False
    claimed = _extension(certificate, x509.AuthorityKeyIdentifier)
    if claimed is not None:
        if claimed.authority_cert_serial_number is not None:
            return False
        own = _extension(issuer, x509.SubjectKeyIdentifier)
        if own is not None and claimed.key_identifier is not None and own.digest != claimed.key_identifier:
            return False
    certificate.verify_directly_issued_by(issuer)
    return True


def is_for(certificate: x509.Certificate, name: str) -> bool:
    """Return whether a certificate has a name, as a subject alternative name of usual form."""
    names = _extension(certificate, x509.SubjectAlternativeName)
    if names is None:
        return False
    try:
        address = ip_address(name)
    except ValueError:
        pass
    else:
        return address in names.get_values_for_type(x509.IPAddress)
    wanted = name.lower()
    rest = wanted.partition(".")[2]
    wildcard = f"*.{rest}"
    return any(
        each.lower() == wanted or (each.lower() == wildcard and wildcard.count(".") >= _LEAST_LABELS_OF_WILDCARD - 1)
        for each in names.get_values_for_type(x509.DNSName)
    )


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
