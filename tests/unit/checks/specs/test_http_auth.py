"""Who a check says it is: what contradicts itself is refused by the field's name, and no message shows a secret."""

import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from services.checks.specs.client_certificate import LARGEST_KEY_BITS, ClientCertificate
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import BasicAuth, HttpAuth
from services.platform.errors import InvalidArgument
from services.platform.security.tls_context import unverified_context
from tests.support.targets import Authority

BASIC = BasicAuth("bob", "s3cret")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def refused(spec: HttpSpec) -> str:
    """The field that is refused."""
    with pytest.raises(InvalidArgument) as error:
        spec.validate("check.http")
    assert "s3cret" not in str(error.value)
    (violation,) = error.value.violations
    return violation.field


@pytest.mark.parametrize(
    ("auth", "headers", "field"),
    [
        (HttpAuth(basic_auth=BASIC, bearer_token="s3cret"), (), "check.http.bearer_token"),
        (HttpAuth(basic_auth=BASIC), (("authorization", "s3cret"),), "check.http.headers['authorization']"),
        (HttpAuth(bearer_token="s3cret"), (("Authorization", "s3cret"),), "check.http.headers['Authorization']"),
        (HttpAuth(secret_headers=("X-Shop",)), (("X-Other", "a"),), "check.http.secret_headers"),
    ],
)
def test_what_contradicts_itself_is_refused(auth: HttpAuth, headers: tuple[tuple[str, str], ...], field: str) -> None:
    assert refused(HttpSpec(url="https://t.test/", headers=headers, auth=auth)) == field


def test_what_fits_together_is_taken(authority: Authority) -> None:
    certificate = ClientCertificate(*authority.client())
    for auth in (HttpAuth(basic_auth=BASIC, client_certificate=certificate), HttpAuth(bearer_token="s3cret")):
        HttpSpec(url="https://t.test/", headers=(("X-Api-Key", "k"),), auth=auth).validate("check.http")


def test_a_client_certificate_needs_https(authority: Authority) -> None:
    auth = HttpAuth(client_certificate=ClientCertificate(*authority.client()))

    assert refused(HttpSpec(url="http://t.test/", auth=auth)) == "check.http.client_certificate"
    HttpSpec(url="HTTPS://t.test/", auth=auth).validate("check.http")


def of(certificate: str, key: str) -> HttpSpec:
    return HttpSpec(url="https://t.test/", auth=HttpAuth(client_certificate=ClientCertificate(certificate, key)))


def test_a_certificate_that_has_expired_is_taken(authority: Authority) -> None:
    of(*authority.client(days=-1)).validate("check.http")


def test_a_chain_is_taken(authority: Authority) -> None:
    certificate, key = authority.client()
    of(certificate + authority.pem, key).validate("check.http")


def test_a_key_of_another_certificate_is_refused(authority: Authority) -> None:
    (certificate, _), (_, other) = authority.client(), authority.client()
    rsa_key = rsa.generate_private_key(65_537, 2_048).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
    )

    assert refused(of(certificate, other)) == "check.http.client_certificate.private_key"
    assert refused(of(certificate, rsa_key.decode())) == "check.http.client_certificate.private_key"


@pytest.mark.parametrize("style", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_refused_without_asking_for_its_password(
    authority: Authority, style: PrivateFormat
) -> None:
    certificate, key = authority.client()
    private = load_pem_private_key(key.encode(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    encrypted = private.private_bytes(Encoding.PEM, style, BestAvailableEncryption(b"x")).decode()

    assert refused(of(certificate, encrypted)) == "check.http.client_certificate.private_key"


def test_a_key_among_the_certificates_is_refused(authority: Authority) -> None:
    certificate, key = authority.client()

    assert refused(of(certificate + key, key)) == "check.http.client_certificate.certificate"


@given(st.text(min_size=1, max_size=100))
def test_what_is_no_certificate_or_no_key_is_refused(authority: Authority, text: str) -> None:
    certificate, key = authority.client()

    assert refused(of(text, key)) == "check.http.client_certificate.certificate"
    assert refused(of(certificate, text)) == "check.http.client_certificate.private_key"


def test_nothing_is_left_of_a_key_that_was_loaded(authority: Authority) -> None:
    of(*authority.client()).validate("check.http")

    open_files = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert not [path for path in open_files if "memfd:pem" in path]


def test_a_client_key_that_would_cost_a_worker_too_much_is_refused() -> None:
    key = rsa.generate_private_key(65_537, LARGEST_KEY_BITS + 8)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Monitor")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    # OpenSSL would take it.
    ClientCertificate(certificate, private).load_into(unverified_context())
    assert refused(of(certificate, private)) == "check.http.client_certificate.private_key"
