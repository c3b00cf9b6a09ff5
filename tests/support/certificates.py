"""Certificates of every form that servers have, valid and invalid ones."""

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = datetime.timedelta(days=1)
# ecdsa-with-SHA256 and ecdsa-with-SHA1 (RFC 3279 §2.2.3, RFC 5758 §3.2), as DER.
_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_SHA1 = bytes.fromhex("300906072a8648ce3d0401")

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
SERVER_AUTH, CLIENT_AUTH = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")


def key() -> ec.EllipticCurvePrivateKey:
    """Return a key on P-256, the cheapest type."""
    return ec.generate_private_key(ec.SECP256R1())


class Signed(NamedTuple):
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode()


@dataclass(frozen=True, kw_only=True)
class Form:
    """The form of a certificate.

    Attributes:
        subject: the common name; no subject if empty.
        names: DNS names and addresses as subject alternative names; None for no such extension.
        days: the start and the end of its validity, in days from now.
        authority: whether it may issue others; None for no basic constraints.
        path_length: how many authorities may be below it.
        linked: whether it has key identifiers.
        usage: bits of key usage by name; None for none.
        purposes: extended key usage; empty for none.
        extensions: other extensions, each with whether it is critical.
    """

    subject: str = "localhost"
    names: Sequence[str] | None = ("localhost",)
    days: tuple[float, float] = (-30, 60)
    authority: bool | None = False
    path_length: int | None = None
    linked: bool = True
    usage: frozenset[str] | None = None
    purposes: Sequence[x509.ObjectIdentifier] = (SERVER_AUTH,)
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = field(default=())


ROOT = Form(subject="Test Root", names=None, authority=True, purposes=())
MIDDLE = Form(subject="Test Middle", names=None, authority=True, purposes=())
SERVER = Form()
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def issue(form: Form, issuer: Signed | None = None, own: Key | None = None) -> Signed:
    """Create a certificate; without an issuer it is self-signed."""
    own = own or key()
    name = _name(form.subject)
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    above = issuer.certificate.subject if issuer else name
    signer = issuer.key if issuer else own
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(above)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + form.days[0] * _DAY)
        .not_valid_after(now + form.days[1] * _DAY)
    )
    for extension, critical in _extensions(form, own, signer):
        builder = builder.add_extension(extension, critical=critical)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Signed(builder.sign(signer, digest), own)


def _extensions(form: Form, own: Key, signer: Key) -> list[tuple[x509.ExtensionType, bool]]:
    made: list[tuple[x509.ExtensionType, bool]] = []
    if form.authority is not None:
        made.append((x509.BasicConstraints(ca=form.authority, path_length=form.path_length), True))
    if form.names is not None:
        made.append((x509.SubjectAlternativeName([_general(each) for each in form.names]), False))
    if form.usage is not None:
        made.append((x509.KeyUsage(**{each: each in form.usage for each in _USAGES}), True))
    if form.purposes:
        made.append((x509.ExtendedKeyUsage(form.purposes), False))
    if form.linked:
        made.append((x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False))
        made.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False))
    return [*made, *form.extensions]


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)] if common else [])


def _general(name: str) -> x509.GeneralName:
    if "@" in name:
        return x509.RFC822Name(name)
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def of_version_1(signed: Signed, issuer: Signed) -> Signed:
    """Return the certificate as X.509 v1, which has no extensions."""
    parts = _parts(signed.certificate.tbs_certificate_bytes)
    return Signed(_signed([part for part in parts if part[0] not in {0xA0, 0xA3}], issuer, hashes.SHA256()), signed.key)


def by_sha_1(signed: Signed, issuer: Signed) -> Signed:
    """Return the certificate signed with SHA-1."""
    parts = [_SHA1 if part == _SHA256 else part for part in _parts(signed.certificate.tbs_certificate_bytes)]
    return Signed(_signed(parts, issuer, hashes.SHA1()), signed.key)  # noqa: S303 — what servers should not have


def _signed(parts: Sequence[bytes], issuer: Signed, digest: hashes.HashAlgorithm) -> x509.Certificate:
    assert isinstance(issuer.key, ec.EllipticCurvePrivateKey)
    content = _tlv(0x30, b"".join(parts))
    algorithm = _SHA1 if digest.name == "sha1" else _SHA256
    signature = issuer.key.sign(content, ec.ECDSA(digest))
    return x509.load_der_x509_certificate(_tlv(0x30, content + algorithm + _tlv(0x03, b"\0" + signature)))


def _parts(sequence: bytes) -> list[bytes]:
    """Return the elements of a sequence in DER."""
    found, (at, end) = [], _content(sequence, 0)
    while at < end:
        _, after = _content(sequence, at)
        found.append(sequence[at:after])
        at = after
    return found


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Return where the content of an element begins and ends."""
    size, begin = der[at + 1], at + 2
    if size >= 0x80:
        count = size - 0x80
        size, begin = int.from_bytes(der[begin : begin + count], "big"), begin + count
    return begin, begin + size


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 + len(digits)]) + digits + content


def serving(folder: Path, own: Signed, *above: Signed, weak: bool = False, ciphers: str = "") -> ssl.SSLContext:
    """Return a server's context that sends a certificate and its chain.

    Args:
        folder: a writable folder.
        own: the server's certificate.
        above: the other certificates that it sends.
        weak: whether it accepts weak keys, signatures and versions.
        ciphers: its cipher suites, which limits it to TLS 1.2; the default ones if empty.
    """
    path = folder / "server.pem"
    path.write_bytes(
        own.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + b"".join(each.certificate.public_bytes(Encoding.PEM) for each in (own, *above))
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if weak:
        context.set_ciphers("ALL:@SECLEVEL=0")
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    context.load_cert_chain(path)
    return context
