"""A docstring describes the arguments and attributes that there are, each by its present name."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[3]
SECTION = re.compile(r"^(Args|Attributes):\n((?:[ ]{4}.*\n?)+)", re.MULTILINE)
ENTRY = re.compile(r"^ {4}\*{0,2}(\w+):", re.MULTILINE)
Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
SOURCES = ("services", "cli", "bench", "tools", "tests/support")


def described(node: Definition) -> set[str]:
    """Return the names that the docstring of a class or function describes, without attributes that it may inherit."""
    sections = SECTION.findall(ast.get_docstring(node) or "")
    if isinstance(node, ast.ClassDef) and node.bases:
        sections = [section for section in sections if section[0] == "Args"]
    return {name for _, entries in sections for name in ENTRY.findall(entries)}


def defined(node: ast.AST) -> Iterator[str]:
    """Yield the names of arguments and attributes inside a class or function."""
    for each in ast.walk(node):
        if isinstance(each, ast.arg):
            yield each.arg
        elif isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
            yield each.id
        elif isinstance(each, ast.FunctionDef):
            yield each.name


def unknown(source: str) -> list[tuple[int, set[str]]]:
    """Return the line of each class and function whose docstring describes what it does not have, and these names."""
    return [
        (node.lineno, missing)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, Definition) and (names := described(node)) and (missing := names - set(defined(node)))
    ]


def test_an_unknown_name_is_found() -> None:
    known = 'class A:\n    """A.\n\n    Args:\n        one: a.\n    """\n    def __init__(self, one): pass\n'
    assert unknown(known) == []
    assert unknown(known.replace("self, one", "self, first")) == [(1, {"one"})]


def test_docstrings_name_what_there_is() -> None:
    files = [file for folder in SOURCES for file in sorted((ROOT / folder).rglob("*.py"))]
    faults = {str(file.relative_to(ROOT)): found for file in files if (found := unknown(file.read_text()))}
    assert len(files) > 300
    assert faults == {}
