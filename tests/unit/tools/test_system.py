"""What `make test-system` reads: the README's commands, pip's configuration, the supported versions of Python."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools.system import package_index, pythons, readme

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def test_the_readmes_commands_are_read_word_for_word() -> None:
    assert readme.commands(ROOT / "README.md") == ("make up", "make test")


@pytest.mark.parametrize("lines", ["", "make up # start\n", "make up\nmake test\nmake more\n"])
def test_a_readme_without_two_commands_is_refused(tmp_path: Path, lines: str) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"## Two commands\n\nText.\n\n```\n{lines}```\n")

    with pytest.raises(ValueError, match="values to unpack"):
        readme.commands(file)


def test_pips_environment_wins_and_its_files_are_listed(tmp_path: Path) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.touch()
    url = "https://user:p%40ss@packages.test"
    listed = [
        f":env:.cert='{authorities}'",
        "global.cert='/elsewhere.pem'",
        f"global.find-links='{url}'",
        "install.no-binary='one two'",
    ]

    index = package_index.read(listed, {})

    assert index.configuration.split("\n\n") == [
        f"[global]\ncert = {authorities}\nfind-links = {url}",
        "[install]\nno-binary = one two",
        "",
    ]
    assert index.files == (authorities,)


@pytest.mark.parametrize(
    ("listed", "environment", "proxy"),
    [
        ([], {}, ""),
        ([], {"https_proxy": "http://proxy.test:3128"}, "http://proxy.test:3128"),
        (["global.proxy='http://other.test'"], {"HTTPS_PROXY": "http://proxy.test:3128"}, "http://other.test"),
    ],
)
def test_pip_uses_the_proxy_of_the_environment_unless_it_has_its_own(
    listed: list[str], environment: dict[str, str], proxy: str
) -> None:
    lines = package_index.read(listed, environment).configuration.splitlines()

    assert [line.partition(" = ")[2] for line in lines if line.startswith("proxy")] == ([proxy] if proxy else [])


def test_the_readme_and_the_bounds_of_the_project_name_the_versions_that_are_tried() -> None:
    versions = pythons.supported(ROOT / "pyproject.toml")
    oldest, newest = versions[0], versions[-1]
    minors = [int(version.removeprefix("3.")) for version in versions]

    assert minors == list(range(minors[0], minors[-1] + 1))
    assert f'requires-python = ">={oldest},<3.{minors[-1] + 1}"' in (ROOT / "pyproject.toml").read_text()
    assert f"OLDEST = (3, {minors[0]})\nNEWEST = (3, {minors[-1]})\n" in (ROOT / "tools/bootstrap.py").read_text()
    assert f"Python {oldest} to {newest}" in " ".join((ROOT / "README.md").read_text().split())


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ((3, 10), "Python 3.10 is too old; install Python 3.11 or newer"),
        ((3, 15), "Python 3.15 is too new and not tested; install Python 3.14"),
    ],
)
def test_a_version_that_is_not_tried_is_refused_before_anything_is_made(
    tmp_path: Path, version: tuple[int, int], sentence: str
) -> None:
    bootstrap = ROOT / "tools" / "bootstrap.py"
    code = f"import runpy, sys; sys.version_info = {version}; runpy.run_path({str(bootstrap)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "venv")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith(f"sentinel: {sentence}")
    assert not (tmp_path / "venv").exists()
