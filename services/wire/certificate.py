"""What results say of a server's certificate."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning

UNREADABLE = (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, UnsupportedAlgorithm)
"""What is raised of a certificate, or of a part of one, that cannot be read."""

_MOST_CERTIFICATES = 4_096
NAME_ONLY_IN_CN = (
    "certificate names the host only as common name (CN), not as subject alternative name; browsers reject it"
)


class CertificateFacts(NamedTuple):
    """What is read of a certificate.

    Attributes:
        not_after: when it expires; None when it cannot be read, which only an unverified one can be.
        has_dns_names: whether it has DNS names as subject alternative names; True when nobody can say.
    """

    not_after: datetime | None
    has_dns_names: bool


@contextmanager
def leniently() -> Iterator[None]:
    """Let certificates be read that bear a serial number which RFC 5280 forbids: cryptography warns of each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        yield


@lru_cache(maxsize=_MOST_CERTIFICATES)
def facts_of(certificate: bytes) -> CertificateFacts:
    """Read a certificate (DER), each one once."""
    with leniently():
        try:
            read = x509.load_der_x509_certificate(certificate)
            not_after = read.not_valid_after_utc
        except UNREADABLE:
            return CertificateFacts(None, has_dns_names=True)
        return CertificateFacts(not_after, has_dns_names=_has_dns_names(read))


def _has_dns_names(certificate: x509.Certificate) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    except UNREADABLE:
        return True
    return bool(names.value.get_values_for_type(x509.DNSName))
