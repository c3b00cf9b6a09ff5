"""A gRPC spec comes back as it went, from the database and over the contract, and what is wrong with it is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.monitor.v1.grpc_check_pb2 import GrpcCheck

from services.checks.specs.grpc import GrpcSpec
from services.checks.specs.tls_options import TlsOptions
from services.platform.errors import InvalidArgument

texts = st.text(max_size=20)
specs = st.builds(
    GrpcSpec,
    address=texts,
    service=texts,
    tls=st.booleans(),
    skip_verify=st.booleans(),
    ca_certificates=texts,
    server_name=texts,
)


@given(specs)
def test_a_spec_comes_back_as_it_went(spec: GrpcSpec) -> None:
    assert GrpcSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert GrpcSpec.from_message(GrpcCheck.FromString(spec.to_message().SerializeToString())) == spec


def test_a_field_that_is_absent_has_its_default() -> None:
    assert GrpcSpec.from_json({"address": "a.test:1"}) == GrpcSpec(address="a.test:1")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (GrpcSpec(address="a.test"), "check.grpc.address"),
        (GrpcSpec(address="a.test:99999"), "check.grpc.address"),
        (GrpcSpec(address="2001:db8::1:443"), "check.grpc.address"),
        (GrpcSpec(address="a.test:443", skip_verify=True), "check.grpc.skip_verify"),
        (GrpcSpec(address="a.test:443", ca_certificates="pem"), "check.grpc.ca_certificates"),
        (GrpcSpec(address="a.test:443", server_name="b.test"), "check.grpc.server_name"),
        (GrpcSpec(address="a.test:443", tls=True, ca_certificates="no PEM"), "check.grpc.ca_certificates"),
    ],
)
def test_what_is_wrong_is_named(spec: GrpcSpec, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        spec.validate("check.grpc")

    assert [violation.field for violation in refused.value.violations] == [field]


@pytest.mark.parametrize("address", ["a.test:443", "192.0.2.1:50051", "[2001:db8::1]:443", "münchen.test:443"])
def test_what_is_right_is_taken(address: str) -> None:
    GrpcSpec(address=address, service="shop.v1.Shop").validate("check.grpc")
    GrpcSpec(address=address, tls=True, skip_verify=True, server_name="b.test").validate("check.grpc")


def test_the_options_are_those_of_every_kind_that_speaks_tls() -> None:
    spec = GrpcSpec(address="a.test:1", tls=True, skip_verify=True, ca_certificates="pem", server_name="b.test")

    assert spec.options == TlsOptions(skip_verify=True, ca_certificates="pem", server_name="b.test")


def test_the_audit_log_shows_no_certificates() -> None:
    assert GrpcSpec(address="a.test:1", service="shop", tls=True, ca_certificates="pem").audited() == {
        "address": "a.test:1", "service": "shop", "tls": True, "skipVerify": False, "ownAuthorities": True,
        "serverName": "",
    }  # fmt: skip
