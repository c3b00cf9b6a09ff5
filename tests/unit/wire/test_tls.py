"""docs/adr/0026 and 0038: how certificates are verified does not depend on the version of Python."""

import json
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from services.checks.specs.client_certificate import ClientCertificate
from services.checks.specs.tls_options import TlsOptions
from services.platform.security.tls_context import VERIFY_FLAGS
from services.wire.client_hello import FINITE_FIELDS
from services.wire.tls import ANY, HTTP, HTTP_2, TlsContexts
from tests.support.newer_python import verify_as_python_3_13
from tests.support.targets import Authority

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(params=["this Python", "Python 3.13"])
def contexts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> TlsContexts:
    if request.param != "this Python":
        verify_as_python_3_13(monkeypatch)
    return TlsContexts()


def test_our_flags_are_not_strict_and_a_chain_may_end_at_whatever_is_trusted() -> None:
    assert VERIFY_FLAGS == (ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN)


@pytest.mark.parametrize("protocol", [HTTP, HTTP_2, ANY])
@pytest.mark.parametrize("own_authority", [False, True])
async def test_each_context_verifies_the_name_and_the_chain_with_our_flags(
    contexts: TlsContexts, authority: Authority, own_authority: bool, protocol: str
) -> None:
    options = TlsOptions(ca_certificates=authority.pem if own_authority else "")

    for context in (
        contexts.of(options, protocol),
        await contexts.with_client_certificate(options, ClientCertificate(*authority.client())),
    ):
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


OFFERED = """
import json, sys
from services.platform.security.tls_context import context_trusting, public_context, unverified_context
from services.wire.client_hello import offered_groups
contexts = (public_context(), context_trusting(sys.stdin.read()), unverified_context())
print(json.dumps([[offered_groups(each), [cipher["name"] for cipher in each.get_ciphers()]] for each in contexts]))
"""


def offered(authority: Authority, **environment: str) -> list[tuple[list[int], list[str]]]:
    """The groups and cipher suites of each kind of context, in a process of its own: OpenSSL is set up once."""
    done = subprocess.run(
        [sys.executable, "-c", OFFERED], input=authority.pem, capture_output=True, text=True, check=True, cwd=ROOT,
        env={"PYTHONPATH": "gen", **environment},
    )  # fmt: skip
    return [(groups, suites) for groups, suites in json.loads(done.stdout)]


def test_a_worker_offers_no_key_exchange_over_finite_fields(authority: Authority) -> None:
    kinds = offered(authority, OPENSSL_CONF=str(ROOT / "services" / "worker" / "openssl.cnf"))
    assert len(kinds) == 3
    for groups, suites in kinds:
        assert groups == [0x001D, 0x0017, 0x001E, 0x0019, 0x0018]
        assert suites
        static_rsa = ("AES128-", "AES256-")
        assert [suite for suite in suites if not suite.startswith(("TLS_", "ECDHE-", *static_rsa))] == []


def test_without_its_settings_openssl_would_offer_finite_fields(authority: Authority) -> None:
    assert all(set(groups) & set(FINITE_FIELDS) for groups, _ in offered(authority))
