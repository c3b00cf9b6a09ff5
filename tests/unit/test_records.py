"""Records and rows are built by name, so that an added field shifts none (CONTRIBUTING.md § Style)."""

import ast
import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import pytest

MOST_BY_POSITION = 4
TOP = Path(__file__).parents[2]
SOURCES = {
    path: path.read_text()
    for root in ("services", "cli", "bench", "tests")
    for path in sorted((TOP / root).rglob("*.py"))
}
# Only modules that define records are imported: all of them would take seconds.
DEFINES = re.compile(r"^@dataclass|\(NamedTuple\):$", re.MULTILINE)


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(TOP).with_suffix("").parts)


@pytest.fixture(scope="module")
def records() -> list[type]:
    """All classes of modules that define records."""
    modules = [importlib.import_module(module_of(path)) for path, text in SOURCES.items() if DEFINES.search(text)]
    return [
        each
        for module in modules
        for _, each in inspect.getmembers(module, inspect.isclass)
        if each.__module__ == module.__name__
    ]


def made_of(record: type) -> list["dataclasses.Field[object]"]:
    return [each for each in dataclasses.fields(record) if each.init]


def test_a_dataclass_of_more_than_four_fields_takes_them_by_name(records: list[type]) -> None:
    long = [each for each in records if dataclasses.is_dataclass(each) and len(made_of(each)) > MOST_BY_POSITION]
    assert len(long) > 50

    by_position = {f"{each.__module__}.{each.__name__}" for each in long if not all(f.kw_only for f in made_of(each))}
    assert by_position == set()


def test_a_named_tuple_of_more_than_four_fields_is_made_by_name(records: list[type]) -> None:
    """The language has none that takes them by name only."""
    long = {each.__name__ for each in records if len(getattr(each, "_fields", ())) > MOST_BY_POSITION}
    assert long >= {"Slot", "EncodedRequest"}

    is_made = re.compile(rf"\b({'|'.join(long)})\(")
    calls = {
        f"{module_of(path)}:{node.lineno}": node
        for path, text in SOURCES.items()
        if is_made.search(text)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in long
    }
    assert len(calls) > 10
    assert [place for place, call in calls.items() if call.args] == []


def test_rows_are_inserted_by_the_names_of_their_columns() -> None:
    insert = re.compile(r"INSERT INTO\s+[\w.{}]+\s+(\S+)")
    # Statements may be strings over several lines.
    found = [
        (module_of(path), each[1])
        for path, text in SOURCES.items()
        for each in insert.finditer(re.sub(r'"\s*\n\s*f?"', "", text))
    ]
    assert len(found) > 10
    assert [(module, what) for module, what in found if not what.startswith("(")] == []
