"""A TLS spec comes back as it went, from the database and over the contract, and what is wrong with it is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.monitor.v1.tls_check_pb2 import START_TLS_IMAP, TlsCheck

from services.checks.specs.tls import StartTls, TlsSpec
from services.checks.specs.tls_options import TlsOptions
from services.platform.errors import InvalidArgument

texts = st.text(max_size=20)
specs = st.builds(
    TlsSpec,
    host=texts,
    port=st.integers(1, 65_535),
    min_days_left=st.integers(0, 3_650),
    start_tls=st.none() | st.sampled_from(StartTls),
    skip_verify=st.booleans(),
    ca_certificates=texts,
    server_name=texts,
)


@given(specs)
def test_a_spec_comes_back_as_it_went(spec: TlsSpec) -> None:
    stored = TlsSpec.from_json(json.loads(json.dumps(spec.to_json())))
    said = TlsSpec.from_message(TlsCheck.FromString(spec.to_message().SerializeToString()))

    assert stored == said == spec
    assert {type(each.start_tls) for each in (stored, said)} == {type(spec.start_tls)}


def test_the_contract_names_the_protocol_that_comes_first() -> None:
    assert TlsSpec(host="a.test", port=1, start_tls=StartTls.IMAP).to_message() == TlsCheck(
        host="a.test", port=1, start_tls=START_TLS_IMAP
    )


def test_a_field_that_is_absent_has_its_default() -> None:
    assert TlsSpec.from_json({"host": "a.test", "port": 1}) == TlsSpec(host="a.test", port=1)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (TlsSpec(host="a.test/", port=443), "check.tls.host"),
        (TlsSpec(host="a.test", port=443, ca_certificates="no PEM"), "check.tls.ca_certificates"),
    ],
)
def test_what_is_wrong_is_named(spec: TlsSpec, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        spec.validate("check.tls")

    assert [violation.field for violation in refused.value.violations] == [field]


def test_the_options_are_those_of_every_kind_that_speaks_tls() -> None:
    spec = TlsSpec(host="a.test", port=1, skip_verify=True, ca_certificates="pem", server_name="b.test")

    assert spec.options == TlsOptions(skip_verify=True, ca_certificates="pem", server_name="b.test")


def test_the_audit_log_shows_the_protocols_name_and_not_the_certificates() -> None:
    assert TlsSpec(host="a.test", port=1, start_tls=StartTls.SMTP, ca_certificates="pem").audited() == {
        "host": "a.test", "port": 1, "minDaysLeft": 0, "startTls": "SMTP", "skipVerify": False, "ownAuthorities": True,
        "serverName": "",
    }  # fmt: skip
    assert TlsSpec(host="a.test", port=1).audited()["startTls"] is None
