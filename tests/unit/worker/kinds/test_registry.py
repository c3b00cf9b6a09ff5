"""Each kind of the contract is complete: parsed, stored, probed, and described in docs/checks.md with an example."""

import json
import re
from pathlib import Path

import pytest
from google.protobuf.json_format import ParseDict
from sentinel.monitor.v1.check_pb2 import Check

from services.checks.specs.column import CHECK_SPECS
from services.checks.specs.kinds import KINDS, spec_of
from services.platform.rpc.field_rules import FieldRules
from services.worker.kinds.registry import probes_by_kind
from services.worker.metrics import Metrics

BRANCHES = [field.name for field in Check.DESCRIPTOR.oneofs_by_name["kind"].fields]
DOCS = (Path(__file__).resolve().parents[4] / "docs" / "checks.md").read_text()
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", DOCS, re.MULTILINE | re.DOTALL))


def test_the_contract_and_the_code_know_the_same_kinds() -> None:
    assert sorted(KINDS) == sorted(BRANCHES) == sorted(SECTIONS)
    assert {spec.KIND for spec in probes_by_kind()} <= set(BRANCHES)


@pytest.mark.parametrize("kind", BRANCHES)
def test_the_docs_show_an_example_that_the_contract_takes(kind: str) -> None:
    examples = re.findall(r"^```json\n(.*?)^```$", SECTIONS[kind], re.MULTILINE | re.DOTALL)

    assert examples
    for example in examples:
        check = ParseDict(json.loads(example), Check())
        FieldRules().validate(check, "check")
        spec = spec_of(check)
        assert check.WhichOneof("kind") == spec.KIND == kind
        spec.validate(f"check.{kind}")
        assert CHECK_SPECS.from_json(kind, json.loads(json.dumps(CHECK_SPECS.to_json(spec)))) == spec
        assert spec.target == spec.target.lower() != ""
        json.dumps(spec.audited())


@pytest.mark.parametrize("kind", BRANCHES)
def test_its_runs_are_counted_from_the_start(kind: str) -> None:
    assert Metrics().runs_of_kinds()[kind, "UP"] == 0


@pytest.mark.parametrize("kind", BRANCHES)
def test_the_docs_name_every_field_what_up_means_and_how_it_fails(kind: str) -> None:
    message = Check.DESCRIPTOR.fields_by_name[kind].message_type
    assert message is not None
    section = SECTIONS[kind]

    assert [field.json_name for field in message.fields if f"`{field.json_name}`" not in section] == []
    assert "**UP**: " in section
    assert re.search(r"\*\*DOWN\*\*.*`[A-Z_]+`", section)
