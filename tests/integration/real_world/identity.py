"""The certificates of the rows, each made once."""

import datetime
import ipaddress
import ssl
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Signer = Literal["root", "intermediate", "bare root", "stranger", "expired intermediate", "itself"]
_USAGES = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    "code": ExtendedKeyUsageOID.CODE_SIGNING,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A server's certificate, and what the server sends with it.

    Attributes:
        names: the names and addresses in subjectAltName; if empty, the certificate has none.
        common_name: the common name of the subject.
        days: begin and end of the validity, in days from now.
        key: P-256, P-384, P-521, RSA-1024, RSA-2048, RSA-4096 or Ed25519.
        signer: the issuer. Trusted are the root, and the bare root, whose certificates have no key identifiers.
        sends: the certificates that the server sends after its own, in this order.
        authority: the flag in basicConstraints; if None, the certificate has none.
        usages: server, client and code in extendedKeyUsage; if empty, the certificate has none.
        critical: whether the certificate has an unknown critical extension.
    """

    names: tuple[str, ...] = ("shop.test",)
    common_name: str = "shop.test"
    days: tuple[float, float] = (-10, 60)
    key: str = "P-256"
    signer: Signer = "root"
    sends: tuple[Signer, ...] = ()
    authority: bool | None = False
    usages: tuple[str, ...] = ("server",)
    critical: bool = False


GOOD = Certificate()


@dataclass(frozen=True, slots=True)
class _Issuer:
    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


@cache
def issuer(name: Signer) -> _Issuer:
    """Return a certificate authority."""
    if name == "root":
        return _authority("Root", None)
    if name == "bare root":
        return _authority("Bare Root", None, linked=False)
    if name == "stranger":
        return _authority("Stranger", None)
    days = (-60.0, -2.0) if name == "expired intermediate" else (-10.0, 365.0)
    return _authority(name.title(), issuer("root"), days=days)


def trusted() -> str:
    """Return PEM of the authorities that the monitor trusts."""
    return (issuer("root").pem + issuer("bare root").pem).decode()


@cache
def chain(certificate: Certificate) -> tuple[bytes, bytes]:
    """Return PEM of a certificate's key and of the chain that its server sends."""
    key = _key(certificate.key)
    signed = _leaf(certificate, key).public_bytes(Encoding.PEM)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem, signed + b"".join(issuer(each).pem for each in certificate.sends)


def server_context(
    certificate: Certificate,
    *,
    lowest: str = "TLSv1_2",
    highest: str = "TLSv1_3",
    ciphers: str = "",
    asks: bool = False,
) -> ssl.SSLContext:
    """Return the TLS context of a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(ciphers or "ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of old versions, which rows want
        context.minimum_version = ssl.TLSVersion[lowest]
        context.maximum_version = ssl.TLSVersion[highest]
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"".join(chain(certificate)))
        file.flush()
        context.load_cert_chain(file.name)
    if asks:
        context.load_verify_locations(cadata=trusted())
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _authority(
    name: str, above: _Issuer | None, *, linked: bool = True, days: tuple[float, float] = (-90.0, 365.0)
) -> _Issuer:
    key = _key("P-256", name)
    signer = above or _Issuer(_placeholder(name, key), key)
    builder = _begun(name, signer, key, days).add_extension(x509.BasicConstraints(True, None), critical=True)
    if linked:
        builder = _linked(builder, key, signer).add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    return _Issuer(builder.sign(signer.key, hashes.SHA256()), key)


def _placeholder(name: str, key: Key) -> x509.Certificate:
    """Return a placeholder for the issuer of a self-signed authority."""
    subject = _subject(name)
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now + datetime.timedelta(1))
    return builder.sign(key, hashes.SHA256())


def _leaf(wanted: Certificate, key: Key) -> x509.Certificate:
    signer = _Issuer(_placeholder(wanted.common_name, key), key) if wanted.signer == "itself" else issuer(wanted.signer)
    builder = _begun(wanted.common_name, signer, key, wanted.days)
    if wanted.authority is not None:
        builder = builder.add_extension(x509.BasicConstraints(wanted.authority, None), critical=True)
    if wanted.names:
        names = x509.SubjectAlternativeName([_general(each) for each in wanted.names])
        builder = builder.add_extension(names, critical=False)
    if wanted.usages:
        usages = x509.ExtendedKeyUsage([_USAGES[each] for each in wanted.usages])
        builder = builder.add_extension(usages, critical=False)
    if wanted.critical:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    if wanted.signer != "bare root":
        builder = _linked(builder, key, signer)
    digest = None if isinstance(signer.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(signer.key, digest)


def _begun(name: str, signer: _Issuer, key: Key, days: tuple[float, float]) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return x509.CertificateBuilder(
        signer.certificate.subject,
        _subject(name),
        key.public_key(),
        x509.random_serial_number(),
        now + datetime.timedelta(days[0]),
        now + datetime.timedelta(days[1]),
    )


def _linked(builder: x509.CertificateBuilder, key: Key, signer: _Issuer) -> x509.CertificateBuilder:
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    return builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    ).add_extension(above, critical=False)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@cache
def _key(kind: str, _owner: str = "") -> Key:
    """Return a key of a kind; servers share it, since RSA keys take long to generate."""
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind.startswith("RSA-"):
        return rsa.generate_private_key(65_537, int(kind.removeprefix("RSA-")))
    curve = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}[kind]
    return ec.generate_private_key(curve)
