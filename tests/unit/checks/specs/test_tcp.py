"""A TCP spec comes back as it went, from the database and over the contract; the audit log shows no secret of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.monitor.v1.tcp_check_pb2 import TcpCheck

from services.checks.specs.tcp import TcpSpec
from services.platform.errors import InvalidArgument

texts = st.text(max_size=20)
specs = st.builds(TcpSpec, host=texts, port=st.integers(1, 65_535), send=texts, expect=texts)


@given(specs)
def test_a_spec_comes_back_as_it_went(spec: TcpSpec) -> None:
    assert TcpSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert TcpSpec.from_message(TcpCheck.FromString(spec.to_message().SerializeToString())) == spec


def test_a_field_that_is_absent_has_its_default() -> None:
    assert TcpSpec.from_json({"host": "a.test", "port": 1}) == TcpSpec("a.test", 1)


def test_a_bad_host_is_refused_by_the_fields_name() -> None:
    TcpSpec("a.test", 1).validate("check.tcp")
    with pytest.raises(InvalidArgument, match=r"check\.tcp\.host"):
        TcpSpec("a.test:1", 1).validate("check.tcp")


def test_the_audit_log_shows_how_much_is_sent_and_expected_but_not_what() -> None:
    audited = json.dumps(TcpSpec("a.test", 1, send="AUTH geheim ü\r\n", expect="+OK geheim").audited())

    assert "geheim" not in audited
    assert json.loads(audited) == {"host": "a.test", "port": 1, "sendBytes": 16, "expectBytes": 10}


def test_one_port_of_a_host_is_one_target_however_it_is_spelled() -> None:
    assert TcpSpec("A.test", 1).target == TcpSpec("a.TEST", 1).target != TcpSpec("a.test", 2).target
