"""The TLS certificate and key: read and validated as a pair, then passed to Envoy in one file.

Envoy never reads the operator's two files itself: while they are replaced one after the other they do not match,
and Envoy does not notice every way to replace a file.
"""

import base64
import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from cli.door.listener import SECRET
from services.platform.configuration.settings import Settings, TlsFiles
from services.platform.security.private_file import write_private

_MOST_BYTES = 1024 * 1024
_LEAST_RSA_BITS = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_TLS_SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105 — the name of a type


class CertificateError(Exception):
    """The files are invalid; the message names the file and the fix."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A matching certificate and key.

    Attributes:
        chain: PEM of the certificate and its intermediates.
        key: PEM of the private key.
        leaf: the server certificate.
    """

    chain: bytes
    key: bytes = field(repr=False)
    leaf: x509.Certificate

    @property
    def der(self) -> bytes:
        """The server certificate in DER."""
        return self.leaf.public_bytes(Encoding.DER)

    @property
    def expire_time(self) -> datetime:
        """The time of its expiry."""
        return self.leaf.not_valid_after_utc

    def host(self) -> str:
        """Return the first host name of the certificate; localhost if it has none."""
        try:
            names = self.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (x509.ExtensionNotFound, ValueError):
            return "localhost"
        hosts = names.get_values_for_type(x509.DNSName)
        return next((host for host in hosts if "*" not in host), "localhost")


def read(files: TlsFiles) -> Certificate:
    """Read the two files and check that Envoy can serve them.

    Raises:
        CertificateError: a file is missing or invalid, or the two do not match.
    """
    chain, key = _content(Settings.tls_cert.name, files.certificate), _content(Settings.tls_key.name, files.key)
    try:
        certificates = x509.load_pem_x509_certificates(chain)
        public = [_public(each) for each in certificates]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(
            f"SENTINEL_TLS_CERT: {files.certificate} contains no PEM certificate; it must contain the server "
            "certificate, followed by its intermediate certificates"
        ) from error
    private = _private_key(files.key, key)
    own = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if own in public[1:]:
        raise CertificateError(
            f"SENTINEL_TLS_CERT: {files.certificate} must begin with the server certificate; reverse its order"
        )
    if own != public[0]:
        raise CertificateError(
            f"SENTINEL_TLS_KEY: {files.key} is not the private key of the certificate in {files.certificate}; "
            "set both to files of the same certificate"
        )
    return Certificate(chain, key, certificates[0])


def write(certificate: Certificate, file: Path) -> None:
    """Replace the file that Envoy reads.

    Raises:
        OSError: the file cannot be written.
    """
    secret = {
        "@type": _TLS_SECRET,
        "name": SECRET,
        "tls_certificate": {
            "certificate_chain": {"inline_bytes": base64.b64encode(certificate.chain).decode()},
            "private_key": {"inline_bytes": base64.b64encode(certificate.key).decode()},
        },
    }
    write_private(file, json.dumps({"resources": [secret]}).encode())


def _content(setting: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise CertificateError(
            f"{setting}: {path} cannot be read ({error.strerror}); set it to a PEM file readable by this user"
        ) from error
    if len(content) > _MOST_BYTES:
        raise CertificateError(f"{setting}: {path} is larger than {_MOST_BYTES} bytes; set it to a PEM file")
    return content


def _private_key(path: Path, content: bytes) -> PrivateKeyTypes:
    try:
        private = load_pem_private_key(content, password=None)
    except TypeError as error:
        raise CertificateError(
            f"SENTINEL_TLS_KEY: {path} is encrypted with a passphrase; decrypt it with `openssl pkey -in … -out …`"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"SENTINEL_TLS_KEY: {path} contains no PEM private key") from error
    kind = type(private).__name__
    if isinstance(private, rsa.RSAPrivateKey):
        if private.key_size >= _LEAST_RSA_BITS:
            return private
        kind = f"RSA key of {private.key_size} bits"
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        if isinstance(private.curve, _CURVES):
            return private
        kind = f"key on the curve {private.curve.name}"
    raise CertificateError(
        f"SENTINEL_TLS_KEY: {path} is a {kind}, which Envoy does not support; use RSA with at least "
        f"{_LEAST_RSA_BITS} bits, or ECDSA on P-256, P-384 or P-521"
    )


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
