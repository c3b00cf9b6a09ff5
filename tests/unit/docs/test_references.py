"""Sections, ADRs and files that prose names exist: in pages, and in comments and docstrings of the code.

`test_links.py` checks links. Here a reference is one of these:

- a section: `semantics.md §12`, `architecture.md § Trust`, `RFC 9112 §2.2`. Each `§` follows its document; if that is a
  page of this repository, the section has to exist;
- a heading in quotes beside a link to its page;
- a decision: `ADR 0016`, `docs/adr/0016`;
- a file or a folder of this repository: `services/worker/lease.py`, or only the end of its path: `worker/lease.py`.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.unit.docs.test_links import PAGES, ROOT

FOLDERS = (
    "services",
    "cli",
    "migrations",
    "tests",
    "bench",
    "tools",
    "proto",
    "docs",
    "envoy",
    "gen",
    "findings",
    ".ci",
)
# What is prose in a file: all of a page, else comments and docstrings.
_HASH = re.compile(r"(?:^|\s)#(.*)$", re.MULTILINE)
_PROSE = {
    ".py": re.compile(r'"""(.*?)"""|(?:^|[\s,(])#([^\n]*)', re.MULTILINE | re.DOTALL),
    ".proto": re.compile(r"//(.*)$", re.MULTILINE),
    ".lua": re.compile(r"--(.*)$", re.MULTILINE),
    ".yaml": _HASH,
    ".toml": _HASH,
    ".cfg": _HASH,
    ".conf": _HASH,
    ".cnf": _HASH,
}
_SECTION = r"§ ?(?:\d+(?:\.\d+)*|[A-Z]\w*(?: \w+)*)"
_CITATION = re.compile(
    r"(?P<document>[\w./-]+\.md|(?:RFC|BCP|AIP)[ -]\d+\w*|WHATWG URL)\]?,? "
    rf"(?P<sections>{_SECTION}(?:(?:,| and| to) {_SECTION})*)"
)
_QUOTED = re.compile(r'"([^"\n]+)" in \[[^\]\n]+\]\(([^)\s#]+\.md)\)|\[[^\]\n]+\]\(([^)\s#]+\.md)\), "([^"\n]+)"')
_ADR = re.compile(r"(?:ADR |docs/adr/)(\d{4})(?!-|\w)((?:(?:,| and) \d{4}\b(?!-))*)")
_TOP = "|".join(re.escape(folder) for folder in FOLDERS)
_PATH = re.compile(rf"(?<![\w./-])(?:{_TOP})/[\w./-]*\w(?![\w*{{<$])")
_FILE = re.compile(r"(?<![\w./:@-])(?:[\w-]+/)*[\w-]+\.(?:py|proto|lua|md)\b(?![\w/(-]|\.\w)")
# KIND in specs/KIND.py, decisions by number alone, endings of names, what a run or a build makes, and files of others.
_NOT_OURS = re.compile(
    r"(?:^|[/_.-])[A-Z]{4,}[/_.-]|^docs/adr/\d{4}$|^_pb2|^bench/out\b|^envoy/_bin/|^(?:google|buf|doc)/"
)
_HEADING = re.compile(r"^#{1,6} +(.*?) *#*$", re.MULTILINE)
_NUMBER = re.compile(r"§(\d+)\b")


def prose_of(path: Path, text: str) -> str:
    """Return what people read of a file, with each line break and the comment sign after it as a space."""
    found = _PROSE.get(path.suffix)
    if found:
        text = "\n".join("".join(match) if isinstance(match, tuple) else match for match in found.findall(text))
    return re.sub(r"\s*\n\s*", " ", text) if found else re.sub(r"(?<!\n)\n(?![\n#|]) *", " ", text)


@cache
def sections_of(page: str) -> tuple[set[str], list[str]]:
    """Return the numbers of a page's sections, such as "12" for "### §12 States", and the text of all its headings."""
    headings = [heading.replace("`", "") for heading in _HEADING.findall(page)]
    return {number for heading in headings for number in _NUMBER.findall(heading)[:1]}, headings


def has_section(page: str, section: str) -> bool:
    """Return whether a page has the section that follows a `§`: a number, or how a heading begins."""
    numbers, headings = sections_of(page)
    name = section.lstrip("§ ")
    if name[0].isdigit():
        return name in numbers
    # The text does not mark where a name ends and the sentence continues: "§ Trust and" names "Trust".
    words = name.split()
    candidates = {" ".join(words[: count + 1]) for count in range(len(words))}
    return any(heading in candidates or heading.partition(":")[0] in candidates for heading in headings)


def broken_sections(prose: str, page_of: Callable[[str], str | None], own: str | None = None) -> Iterator[str]:
    """Yield each citation of a section that a page has not, of a page that is not there, and each `§` of no document.

    Args:
        prose: a text.
        page_of: returns the text of a page by its name, None if there is no such page.
        own: the page that the text is; in it a `§` without a document is one of its own sections.
    """
    if "§" not in prose:
        return
    for match in _CITATION.finditer(prose):
        document = match["document"]
        if document.endswith(".md"):
            page = page_of(document)
            sections = re.findall(_SECTION, match["sections"])
            if page is None or not all(has_section(page, section) for section in sections):
                yield match[0]
    for rest in re.finditer(rf"(.{{0,30}})({_SECTION})", _CITATION.sub("", prose)):
        if own is None or not has_section(own, rest[2]):
            yield rest[0]


def broken_headings(prose: str, page_of: Callable[[str], str | None]) -> Iterator[str]:
    """Yield each heading in quotes that the page has not to which the link beside it leads."""
    for before, page_before, page_after, after in _QUOTED.findall(prose):
        page = page_of(page_before or page_after)
        if page is None or (before or after) not in sections_of(page)[1]:
            yield before or after


def broken_decisions(prose: str, numbers: set[str]) -> Iterator[str]:
    """Yield each number of an ADR that is not there."""
    for first, others in _ADR.findall(prose):
        yield from (number for number in (first, *re.findall(r"\d{4}", others)) if number not in numbers)


def broken_paths(prose: str, paths: set[str]) -> Iterator[str]:
    """Yield each path that neither exists nor is the end of one that does.

    Args:
        prose: a text.
        paths: all files and folders, relative to the root, and each end of the path of a file.
    """
    for name in (*_PATH.findall(prose), *_FILE.findall(prose)):
        if not _NOT_OURS.search(name) and name.rstrip("/") not in paths:
            yield name


@cache
def prose_of_files() -> dict[Path, str]:
    """Return the prose of each file that may refer to something."""
    found = [path for folder in FOLDERS if folder != "gen" for path in sorted((ROOT / folder).rglob("*"))]
    kept = [path for path in found if path.suffix in _PROSE and "__pycache__" not in path.parts]
    # The texts of these tests name what is not there.
    read = [path for path in [*PAGES, *kept, ROOT / "pyproject.toml"] if path.parent != Path(__file__).parent]
    return {path: prose_of(path, path.read_text()) for path in read}


@cache
def known_paths() -> set[str]:
    """Return all files and folders, and each end of the path of a file."""
    known = {*FOLDERS, *(path.name for path in ROOT.iterdir())}
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*")):
        parts = path.relative_to(ROOT).parts
        known.add("/".join(parts))
        known.update("/".join(parts[start:]) for start in range(1, len(parts)))
    return known


def page_from(path: Path) -> Callable[[str], str | None]:
    """Return what finds a page that a file names: relative to the file, to the root, or to `docs`."""

    def page_of(name: str) -> str | None:
        found = next((each for each in (path.parent / name, ROOT / name, ROOT / "docs" / name) if each.is_file()), None)
        return found.read_text() if found else None

    return page_of


def own_page(path: Path) -> str | None:
    """Return a page's own text; None for code, whose `§` need a document."""
    return path.read_text() if path.suffix == ".md" else None


def everywhere(broken: Callable[[Path, str], Iterator[str]]) -> list[str]:
    """Return what is broken in any file, each with the file."""
    return [
        f"{path.relative_to(ROOT)}: {each}" for path, prose in prose_of_files().items() for each in broken(path, prose)
    ]


def test_there_are_references_of_each_kind() -> None:
    prose = prose_of_files()
    for pattern in (_CITATION, _QUOTED, _ADR, _PATH, _FILE):
        assert any(pattern.search(each) for each in prose.values()), pattern.pattern
    assert {path.suffix for path in prose} >= {".py", ".proto", ".md"}


def test_every_cited_section_exists() -> None:
    assert everywhere(lambda path, prose: broken_sections(prose, page_from(path), own_page(path))) == []


def test_every_quoted_heading_exists() -> None:
    assert everywhere(lambda path, prose: broken_headings(prose, page_from(path))) == []


def test_every_cited_decision_exists() -> None:
    numbers = {path.name[:4] for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    assert everywhere(lambda _, prose: broken_decisions(prose, numbers)) == []


def test_every_named_path_exists() -> None:
    assert everywhere(lambda _, prose: broken_paths(prose, known_paths())) == []


PAGE = "# Page\n\n## Trust\n\n### Browsers: the cookie\n\n### §12 The state of a check\n\n### §14 Incidents\n"


def pages(name: str) -> str | None:
    return {"semantics.md": PAGE, "docs/page.md": PAGE}.get(name)


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("the rule (semantics.md §12, §14).", []),
        ("the rules semantics.md §12 to §14 and RFC 9110 §15.4; see docs/page.md § Trust: there.", []),
        ("as docs/page.md § Browsers says", []),
        ("the rule (semantics.md §13).", ["semantics.md §13"]),
        ("the rules (semantics.md §12, §15).", ["semantics.md §12, §15"]),
        ("of docs/page.md § Streams.", ["docs/page.md § Streams"]),
        ("of missing.md §12.", ["missing.md §12"]),
        ("at most 30 s (§12).", ["at most 30 s (§12"]),
    ],
)
def test_a_section_that_is_missing_or_of_no_document_is_found(text: str, broken: list[str]) -> None:
    assert list(broken_sections(text, pages)) == broken


def test_a_page_cites_its_own_sections_without_its_name() -> None:
    assert list(broken_sections("as §12 says", pages, PAGE)) == []
    assert list(broken_sections("as §13 says", pages, PAGE)) == ["as §13"]


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ('"Trust" in [the page](docs/page.md) and [the page](docs/page.md), "Trust"', []),
        ('"Streams" in [the page](docs/page.md)', ["Streams"]),
        ('[the page](docs/page.md), "Streams"', ["Streams"]),
        ('"Trust" in [the page](missing.md)', ["Trust"]),
    ],
)
def test_a_quoted_heading_that_is_missing_is_found(text: str, broken: list[str]) -> None:
    assert list(broken_headings(text, pages)) == broken


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("ADR 0001, docs/adr/0001 and docs/adr/0001-title.md", []),
        ("ADR 0002", ["0002"]),
        ("(docs/adr/0002)", ["0002"]),
        ("(docs/adr/0001, 0003 and 0004)", ["0003", "0004"]),
    ],
)
def test_a_decision_that_is_missing_is_found(text: str, broken: list[str]) -> None:
    assert list(broken_decisions(text, {"0001"})) == broken


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("`services/worker/lease.py`, worker/lease.py, `lease.py` and `services/worker/`.", []),
        (
            "services/checks/specs/KIND.py, docs/adr/NNNN-title.md, https://x.test/a.py, /services/x and docs/adr/0001",
            [],
        ),
        ("services/worker/gone.py", ["services/worker/gone.py", "services/worker/gone.py"]),
        ("in tests/gone/.", ["tests/gone"]),
        ("`worker/gone.py` and gone.py", ["worker/gone.py", "gone.py"]),
    ],
)
def test_a_path_that_is_missing_is_found(text: str, broken: list[str]) -> None:
    known = {"services/worker", "services/worker/lease.py", "worker/lease.py", "lease.py"}
    assert list(broken_paths(text, known)) == broken


@pytest.mark.parametrize(
    ("name", "text", "prose"),
    [
        ("a.py", '"""One\n  two."""\nx = "no"  # three\ny = "nor"\n', "One two. three"),
        ("a.proto", "// One\n// two.\nmessage No {} // three\n", "One two. three"),
        ("a.md", "# One\n\nTwo\nthree.\n", "# One\n\nTwo three.\n"),
    ],
)
def test_prose_is_comments_and_docstrings_or_all_of_a_page(name: str, text: str, prose: str) -> None:
    assert prose_of(Path(name), text).split() == prose.split()
