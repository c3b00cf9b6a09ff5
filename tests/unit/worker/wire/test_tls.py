"""docs/adr/0026: how certificates are verified does not depend on the version of Python."""

import ssl
from pathlib import Path

import pytest

from services.common.specs.client_certificate import ClientCertificate
from services.common.specs.tls_options import TlsOptions
from services.common.tls_context import VERIFY_FLAGS
from services.worker.wire.tls import ANY, HTTP, HTTP_2, TlsContexts
from tests.newer_python import verify_as_python_3_13
from tests.targets import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(params=["this Python", "Python 3.13"])
def contexts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TlsContexts:
    if request.param != "this Python":
        verify_as_python_3_13(monkeypatch)
    return TlsContexts()


def test_our_flags_are_neither_strict_nor_do_they_take_partial_chains() -> None:
    assert VERIFY_FLAGS == ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST


@pytest.mark.parametrize("protocol", [HTTP, HTTP_2, ANY])
@pytest.mark.parametrize("own_authority", [False, True])
def test_each_context_verifies_the_name_and_the_chain_with_our_flags(
    contexts: TlsContexts, authority: Authority, own_authority: bool, protocol: str
) -> None:
    options = TlsOptions(ca_certificates=authority.pem if own_authority else "")

    for context in (contexts.of(options, protocol), contexts.showing(options, ClientCertificate(*authority.client()))):
        assert (context.verify_flags, context.verify_mode, context.check_hostname) == (
            VERIFY_FLAGS,
            ssl.CERT_REQUIRED,
            True,
        )
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("protocol", [HTTP, HTTP_2, ANY])
def test_a_context_that_verifies_nothing_speaks_tls_1_2_or_newer_too(contexts: TlsContexts, protocol: str) -> None:
    context = contexts.of(TlsOptions(skip_verify=True), protocol)

    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_NONE, False)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_public_authorities_are_those_of_ssl_cert_file(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "authorities.pem"
    file.write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    trusted = TlsContexts().of(TlsOptions()).get_ca_certs(binary_form=True)

    assert trusted == [ssl.PEM_cert_to_DER_cert(authority.pem)]
