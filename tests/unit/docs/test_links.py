"""Every relative link of the documentation leads to a file that exists, and to a heading of that file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
_FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


def relative_links(text: str) -> list[str]:
    """The targets of links, without those to other sites and without what is code."""
    prose = _INLINE_CODE.sub("", _FENCED.sub("", text))
    targets = [inline or defined for inline, defined in _LINK.findall(prose)]
    return [target for target in targets if not _ELSEWHERE.match(target)]


def anchors(text: str) -> Iterator[str]:
    """The anchors of a page's headings, as GitHub derives them; a repeated one has a number."""
    seen: dict[str, int] = {}
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        count = seen[anchor] = seen.get(anchor, -1) + 1
        yield f"{anchor}-{count}" if count else anchor


def broken_links(page: Path) -> list[str]:
    """The relative links of a page that lead nowhere."""
    broken = []
    for link in relative_links(page.read_text()):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            broken.append(link)
    return broken


def test_the_pages_and_their_links_are_found() -> None:
    names = {str(page.relative_to(ROOT)) for page in PAGES}
    assert {"README.md", "CONTRIBUTING.md", "docs/architecture.md"} < names
    assert any(name.startswith("docs/adr/") for name in names)
    assert "docs/architecture.md" in relative_links((ROOT / "README.md").read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading_of_it(page: Path) -> None:
    assert broken_links(page) == []


def test_a_link_to_a_missing_file_or_heading_is_broken(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# One `thing`: a heading\n\n## Again\n\n## Again\n\n```\n# no heading\n```\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](there.md) [b](there.md#one-thing-a-heading) [c](#own) [d](there.md#again-1 'title') [e](.)\n"
        "[f](https://elsewhere.test/x) [g](mailto:a@b.test) `[h](code.md)`\n"
        "```\n[i](code.md)\n```\n"
        "[j](missing.md) [k](there.md#no-heading) ![l](missing.png) [m](#missing) [n](there.md#again-2)\n"
        "[o]\n\n[o]: missing/reference.md\n\n# Own\n"
    )
    assert broken_links(page) == [
        "missing.md",
        "there.md#no-heading",
        "missing.png",
        "#missing",
        "there.md#again-2",
        "missing/reference.md",
    ]
