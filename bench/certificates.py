"""Certificates for a target on loopback, issued by a new authority, with the most common types of keys."""

import datetime
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_RSA_BITS = 2048
_DAY = datetime.timedelta(days=1)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Certificates(NamedTuple):
    """The authority's certificate, and the target's key with its certificate, as PEM files."""

    authority: Path
    target: Path


def ecdsa() -> Key:
    """Return a key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def rsa_2048() -> Key:
    """Return an RSA key of 2,048 bits."""
    return rsa.generate_private_key(65_537, _RSA_BITS)


def make(folder: Path, name: str, authority: Key, target: Key) -> Certificates:
    """Write the certificate of an authority, and a target's key with its certificate; return the files."""
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bench Authority")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    root = _builder(issuer, issuer, authority).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    leaf = _builder(issuer, subject, target).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
    )
    files = Certificates(folder / f"{name}-authority.pem", folder / f"{name}-target.pem")
    files.authority.write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM))
    files.target.write_bytes(
        target.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + leaf.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM)
    )
    return files


def _builder(issuer: x509.Name, subject: x509.Name, key: Key) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )
