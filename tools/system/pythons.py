"""The supported versions of Python, and their interpreters on this machine."""

import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.system.errors import SystemTestError
from tools.system.tracked_files import copy_tracked_files

_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)")
_OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")
_ASK = "import ensurepip, platform, venv; print(platform.python_version())"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python of this machine.

    Attributes:
        path: the executable.
        version: its full version, such as 3.12.1.
    """

    path: Path
    version: str


def supported(pyproject: Path) -> tuple[str, ...]:
    """Read the versions that the project supports, such as 3.12, oldest first."""
    classifiers = tomllib.loads(pyproject.read_text())["project"]["classifiers"]
    return tuple(found[1] for found in map(_CLASSIFIER.fullmatch, classifiers) if found)


def find(version: str) -> Interpreter | None:
    """Return an interpreter of a version that can create virtual environments; None if this machine has none."""
    for path in _places(f"python{version}"):
        try:
            asked = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, check=False)
        except OSError:
            continue
        if asked.returncode == 0 and asked.stdout.startswith(f"{version}."):
            return Interpreter(path, asked.stdout.strip())
    return None


def run_tests(interpreter: Interpreter, command: str, environment: Mapping[str, str]) -> None:
    """Run the command that runs all tests in a fresh copy of the project with an interpreter.

    Raises:
        SystemTestError: it fails.
    """
    with tempfile.TemporaryDirectory(prefix="sentinel-tests-") as folder:
        copy = Path(folder) / "sentinel-stack"
        copy_tracked_files(copy)
        Path(folder).chmod(0o755)  # the account of PostgreSQL, which does not run as root, has to reach its folder
        done = subprocess.run(
            ["sh", "-c", f'{command} PYTHON="$0"', str(interpreter.path)],
            cwd=copy,
            env={**{name: value for name, value in os.environ.items() if name not in _OF_MAKE}, **environment},
            stdin=subprocess.DEVNULL,
            check=False,
        )
    if done.returncode != 0:
        raise SystemTestError(f"`{command}` exited with code {done.returncode}")


def _places(name: str) -> Iterator[Path]:
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from sorted(versions.glob(f"*/bin/{name}"))
    found = shutil.which(name)
    if found is not None:
        yield Path(found)
    yield from (Path("/usr/bin") / name, Path("/usr/local/bin") / name)
