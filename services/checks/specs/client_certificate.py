"""What a check shows a server that asks for a certificate, and how OpenSSL gets it."""

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
# A signature with a longer one costs a worker more than a hundred milliseconds.
LARGEST_KEY_BITS = 4_096


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate and its key.

    Attributes:
        certificate: PEM of the certificate, then of the authorities behind it.
        private_key: PEM of its key, not encrypted. A secret.
    """

    certificate: str = ""
    private_key: str = field(default="", repr=False)

    def load_into(self, context: ssl.SSLContext) -> None:
        """Let a context show the certificate.

        OpenSSL reads files only; these are in memory, without a name in any folder, and gone when it has read them.

        Raises:
            ssl.SSLError: OpenSSL does not take it.
        """
        with _in_memory(self.certificate) as certificate, _in_memory(self.private_key) as key:
            # Asked for a password, it would wait for somebody to type one.
            context.load_cert_chain(certificate, key, password=b"")

    def refuse_bad(self, field: str) -> None:
        """Refuse what no connection could use; one that has expired may be what the check is about.

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
            self.load_into(unverified_context())  # as the worker will
        except ssl.SSLError as error:
            if error.reason == _MISMATCH:
                raise InvalidArgument.field(at_key, "does not match the certificate") from None
            if error.reason in _WEAK:
                raise InvalidArgument.field(at_certificate, "must have a stronger key or signature") from None
            raise InvalidArgument.field(at_key, "must be the certificate's private key in PEM") from None


def _bits_of(private_key: str) -> int:
    """Return how long an RSA key is; 0 for other kinds, and for what is no key, which OpenSSL refuses."""
    try:
        # To validate a key takes longer the larger it is, and OpenSSL does it once more.
        key = load_pem_private_key(private_key.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return 0
    return key.key_size if isinstance(key, RSAPrivateKey) else 0


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """A file with this text that only this process sees; its path is good inside the block."""
    with os.fdopen(os.memfd_create("pem", os.MFD_CLOEXEC), "wb") as file:
        file.write(text.encode())
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"
