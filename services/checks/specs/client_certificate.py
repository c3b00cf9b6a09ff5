"""The client certificate of a check for mutual TLS, and how it is loaded into OpenSSL."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.platform.errors import InvalidArgument
from services.platform.security.tls_context import context_trusting, unverified_context

_MISMATCH = "KEY_VALUES_MISMATCH"
_WEAK = frozenset({"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"})
# A signature with a larger RSA key takes more than 100 ms of CPU time.
LARGEST_KEY_BITS = 4_096


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A client certificate and its private key.

    Attributes:
        certificate: PEM of the certificate, followed by its intermediate certificates.
        private_key: PEM of the private key, not encrypted. A secret.
    """

    certificate: str = ""
    private_key: str = field(default="", repr=False)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Load the certificate and its key into a TLS context.

        Python's ssl module loads certificates from files only, so both are written to anonymous files in memory.

        Raises:
            ssl.SSLError: OpenSSL refuses the certificate or the key.
        """
        with _in_memory(self.certificate) as certificate, _in_memory(self.private_key) as key:
            # Without a password, OpenSSL prompts for one on the terminal if the key is encrypted.
            context.load_cert_chain(certificate, key, password=b"")

    def validate(self, field: str) -> None:
        """Refuse a certificate and a key that cannot be loaded. An expired certificate is accepted.

        Args:
            field: the path of the certificate in the request, such as "check.http.client_certificate".

        Raises:
            InvalidArgument: naming the field.
        """
        at_certificate, at_key = f"{field}.certificate", f"{field}.private_key"
        if "PRIVATE KEY" in self.certificate:
            raise InvalidArgument.field(at_certificate, "must not contain a private key")
        try:
            context_trusting(self.certificate)
        except (ssl.SSLError, TypeError, ValueError) as error:
            raise InvalidArgument.field(at_certificate, "must be certificates in PEM") from error
        if "ENCRYPTED" in self.private_key:
            raise InvalidArgument.field(at_key, "must not be encrypted")
        bits = _bits_of(self.private_key)
        if bits > LARGEST_KEY_BITS:
            raise InvalidArgument.field(
                at_key, f"must have at most {LARGEST_KEY_BITS} bits; it has {bits}", limit=LARGEST_KEY_BITS, actual=bits
            )
        try:
            self.load_into(unverified_context())  # the worker loads it the same way
        except ssl.SSLError as error:
            if error.reason == _MISMATCH:
                raise InvalidArgument.field(at_key, "does not match the certificate") from None
            if error.reason in _WEAK:
                raise InvalidArgument.field(at_certificate, "must have a stronger key or signature") from None
            raise InvalidArgument.field(at_key, "must be the certificate's private key in PEM") from None


def _bits_of(private_key: str) -> int:
    """Return the size of an RSA key in bits; 0 for other kinds of keys and for invalid keys, which OpenSSL refuses."""
    try:
        # Validation takes longer the larger a key is, and OpenSSL validates it in any case.
        key = load_pem_private_key(private_key.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return 0
    return key.key_size if isinstance(key, RSAPrivateKey) else 0


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """Yield the path of an anonymous file in memory with this text; the path is valid inside the block."""
    with os.fdopen(os.memfd_create("pem", os.MFD_CLOEXEC), "wb") as file:
        file.write(text.encode())
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"
