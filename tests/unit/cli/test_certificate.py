"""Envoy's certificate and key are read as a pair, or rejected with an error that names the file and the fix."""

import base64
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cli.door import certificate
from cli.door.certificate import CertificateError
from services.platform.configuration.settings import TlsFiles
from tests.support.targets import Authority


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    """A certificate for localhost and its key."""
    key, issued = Authority(tmp_path).pair("localhost")
    files = TlsFiles(tmp_path / "cert.pem", tmp_path / "key.pem")
    files.certificate.write_bytes(issued)
    files.key.write_bytes(key)
    return files


def pem(key: object) -> bytes:
    """A key as a file holds it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined,no-any-return]  # of any kind


def test_a_pair_is_handed_to_envoy_in_one_private_file(files: TlsFiles, tmp_path: Path) -> None:
    read = certificate.read(files)
    certificate.write(read, tmp_path / "tls" / "door.json")
    (secret,) = json.loads((tmp_path / "tls" / "door.json").read_text())["resources"]

    assert read.host() == "localhost"
    assert (tmp_path / "tls" / "door.json").stat().st_mode & 0o777 == 0o600
    assert base64.b64decode(secret["tls_certificate"]["private_key"]["inline_bytes"]) == files.key.read_bytes()
    assert base64.b64decode(secret["tls_certificate"]["certificate_chain"]["inline_bytes"]) == (
        files.certificate.read_bytes()
    )
    assert "PRIVATE KEY" not in repr(read)


def test_a_certificate_of_another_key_is_refused(files: TlsFiles) -> None:
    files.key.write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))

    with pytest.raises(
        CertificateError, match=f"^SENTINEL_TLS_KEY: {files.key} is not the private key of the certificate in"
    ):
        certificate.read(files)


def test_a_chain_in_the_wrong_order_is_refused(files: TlsFiles, tmp_path: Path) -> None:
    files.certificate.write_bytes(Authority(tmp_path).pem.encode() + files.certificate.read_bytes())

    with pytest.raises(CertificateError, match="must begin with the server certificate"):
        certificate.read(files)


def test_an_encrypted_key_is_refused(files: TlsFiles) -> None:
    key = load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))

    with pytest.raises(CertificateError, match="is encrypted with a passphrase; decrypt it"):
        certificate.read(files)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),  # noqa: S505 — too weak on purpose
        ec.generate_private_key(ec.SECP224R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["rsa-1024", "p-224", "k-256", "ed25519"],
)
def test_a_key_that_envoy_cannot_serve_is_refused(files: TlsFiles, key: object) -> None:
    files.key.write_bytes(pem(key))

    with pytest.raises(CertificateError, match="which Envoy does not support; use RSA with at least 2048 bits"):
        certificate.read(files)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_what_is_neither_certificate_nor_key_is_refused_by_its_setting(files: TlsFiles, content: bytes) -> None:
    key, issued = files.key.read_bytes(), files.certificate.read_bytes()
    files.certificate.write_bytes(content)
    with pytest.raises(CertificateError, match=f"^SENTINEL_TLS_CERT: {files.certificate} contains no PEM certificate"):
        certificate.read(files)
    files.certificate.write_bytes(issued)
    files.key.write_bytes(content)
    with pytest.raises(CertificateError, match=f"^SENTINEL_TLS_KEY: {files.key} contains no PEM private key"):
        certificate.read(files)
    files.key.write_bytes(key[: len(key) // 2])
    with pytest.raises(CertificateError, match="contains no PEM private key"):
        certificate.read(files)


def test_a_file_that_is_not_there_or_is_a_folder_or_is_huge_is_refused(files: TlsFiles, tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"^SENTINEL_TLS_CERT: .* cannot be read \(No such file or directory\)"):
        certificate.read(TlsFiles(tmp_path / "absent", files.key))
    with pytest.raises(CertificateError, match=r"^SENTINEL_TLS_KEY: .* cannot be read \(Is a directory\)"):
        certificate.read(TlsFiles(files.certificate, tmp_path))
    with files.key.open("r+b") as file:
        file.truncate(2 * 1024 * 1024)
    with pytest.raises(CertificateError, match="is larger than 1048576 bytes"):
        certificate.read(files)
