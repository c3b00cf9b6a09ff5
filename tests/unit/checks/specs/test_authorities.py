"""The authorities of a check are refused, by the field's name, when no connection could be verified against them."""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.specs.tls_options import TlsOptions
from services.platform.errors import InvalidArgument
from tests.support.targets import Authority

FIELD = "check.http.tls"


def test_one_or_more_certificates_are_taken_as_are_none(tmp_path: Path) -> None:
    first, second = Authority(tmp_path), Authority(tmp_path)

    TlsOptions(ca_certificates="").validate(FIELD)
    TlsOptions(ca_certificates=first.pem).validate(FIELD)
    TlsOptions(ca_certificates=f"a comment\n{first.pem}\n{second.pem}").validate(FIELD)


def test_a_private_key_is_refused_though_a_certificate_stands_beside_it(tmp_path: Path) -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n"

    with pytest.raises(InvalidArgument):
        TlsOptions(ca_certificates=Authority(tmp_path).pem + key).validate(FIELD)


@given(st.text(min_size=1, max_size=200) | st.binary(max_size=60).map(ssl.DER_cert_to_PEM_cert))
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument):
        TlsOptions(ca_certificates=text).validate(FIELD)


def test_a_certificate_that_breaks_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        TlsOptions(ca_certificates=Authority(tmp_path).pem[:-60]).validate(FIELD)
