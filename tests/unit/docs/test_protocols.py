"""A Protocol has several implementations: CONTRIBUTING.md § Layers names each, with the reason."""

import ast
import re

from tests.unit.docs.test_links import ROOT

_NAMED = re.compile(r"^\s+\| (?P<names>`[^|]+) \| [^|]+ \|$", re.MULTILINE)
_IN_BACKTICKS = re.compile(r"`(\w+)`")


def test_each_protocol_of_the_services_is_named_with_the_reason_for_which_it_exists() -> None:
    found = {
        node.name
        for path in (ROOT / "services").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).partition("[")[0] in ("Protocol", "typing.Protocol") for base in node.bases)
    }
    layers = (ROOT / "CONTRIBUTING.md").read_text().partition("## Layers")[2].partition("\n## ")[0]
    assert found == {name for row in _NAMED.finditer(layers) for name in _IN_BACKTICKS.findall(row["names"])}
    assert found
