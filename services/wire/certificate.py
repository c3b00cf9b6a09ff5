"""Facts about a server's certificate, for results."""

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
"""The exceptions for a certificate, or a part of one, that cannot be parsed."""

_MOST_CERTIFICATES = 4_096
NAME_ONLY_IN_CN = (
    "certificate names the host only as common name (CN), not as subject alternative name; browsers reject it"
)


class CertificateFacts(NamedTuple):
    """Facts about a certificate.

    Attributes:
        not_after: when it expires; None if it cannot be parsed, which is possible only for an unverified one.
        has_dns_names: whether it has DNS names as subject alternative names; True if unknown.
    """

    not_after: datetime | None
    has_dns_names: bool


@contextmanager
def allow_invalid_serials() -> Iterator[None]:
    """Suppress warnings about serial numbers that RFC 5280 forbids, of which cryptography warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        yield


@lru_cache(maxsize=_MOST_CERTIFICATES)
def facts_of(certificate: bytes) -> CertificateFacts:
    """Return the facts of a certificate (DER); cached."""
    with allow_invalid_serials():
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
