"""What the database holds of a spec is the JSON of Protobuf, and it is read as Protobuf's own parser reads it."""

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import given
from hypothesis import strategies as st
from sentinel.monitor.v1.check_pb2 import Check

from services.checks.specs import message_json
from services.checks.specs.codec import span_from_json, span_to_json
from services.checks.specs.column import CHECK_SPECS
from services.checks.specs.spec import Spec
from tests.unit.checks.specs.test_heartbeat import specs as heartbeats
from tests.unit.checks.specs.test_http import specs as https
from tests.unit.checks.specs.test_tls import specs as certificates


@given(https | heartbeats | certificates)
def test_the_column_is_what_protobuf_prints_of_the_message(spec: Spec) -> None:
    column = json.loads(json.dumps(CHECK_SPECS.to_json(spec)))
    message = ParseDict(column, Check())

    assert MessageToDict(message, preserving_proto_field_name=True) == column
    assert message.WhichOneof("kind") == spec.KIND
    assert CHECK_SPECS.from_json(spec.KIND, column) == spec


@given(https | heartbeats | certificates)
def test_a_message_is_made_of_json_as_protobuf_makes_it(spec: Spec) -> None:
    for each in (spec.to_check_json(), CHECK_SPECS.to_json(spec)):
        assert message_json.from_json(Check, each) == ParseDict(each, Check())


@pytest.mark.parametrize("operand", [None, 3.0, -1e100, True, "3", "", [1.0], {"a": None}], ids=repr)
def test_a_value_of_any_kind_comes_back(operand: Any) -> None:
    column = {"http": {"url": "http://t/", "assertions": [{"json_path": {"path": "$", "equals": operand}}]}}

    assert message_json.from_json(Check, column) == ParseDict(column, Check())
    assert message_json.to_json(message_json.from_json(Check, column)) == column


def test_json_of_another_message_is_refused() -> None:
    with pytest.raises(ValueError, match="other"):
        message_json.from_json(Check, {"http": {"other": 1}})


@given(st.integers(0, 366 * 86_400 * 10**6))
def test_a_duration_comes_back(span_us: int) -> None:
    assert span_from_json(span_to_json(span_us)) == span_us


def test_what_is_finer_than_a_microsecond_is_cut_off() -> None:
    assert span_from_json("1.000001999s") == 1_000_001
