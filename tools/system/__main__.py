"""`make test-system`: run the steps and print their results. A failed step does not stop the others."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from tools.system import first_start, package_index, packages, pythons
from tools.system.debian_root import DebianRoot
from tools.system.errors import SystemTestError
from tools.system.package_index import PackageIndex
from tools.system.readme import Commands, commands
from tools.system.releases import DEBIAN_12, DEBIAN_13, SERVERS, Release, RootCache, debian_testing
from tools.system.tracked_files import ROOT

_STEPS = _SERVERS, _README, _PYTHONS = ("servers", "readme", "pythons")


@dataclass(kw_only=True)
class Run:
    """One run of the steps.

    Attributes:
        cache: the cache of Debian systems.
        commands: the commands of the README.
        index: the access to the index of Python packages.
        environment: additional environment variables of the tests.
        results: the result of each step, by its title.
        failed: whether a step has failed.
    """

    cache: RootCache
    commands: Commands
    index: PackageIndex
    environment: Mapping[str, str]
    results: dict[str, str] = field(default_factory=dict)
    failed: bool = False
    _tried: dict[str, str] = field(default_factory=dict)

    def step(self, title: str, work: Callable[[], None]) -> None:
        """Run a step, and record its result."""
        _say(title)
        begun = time.monotonic()
        try:
            work()
            self.results[title] = f"passed in {time.monotonic() - begun:.0f} s"
        except SystemTestError as error:
            self.failed = True
            self.results[title] = f"FAILED: {error}"
            _say(f"{title} FAILED: {error}")

    def try_servers(self) -> None:
        """Run the tests against servers of Debian."""
        self.cache.root(SERVERS)  # created before the tests, because it takes longer than their timeout
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", "tests/system"], cwd=ROOT, check=False)
        if done.returncode != 0:
            raise SystemTestError(f"pytest tests/system exited with code {done.returncode}")

    def try_readme(self, release: Release) -> None:
        """Run the README's two commands on a minimal Debian."""
        root = self.cache.root(release)
        self._tried[root.python_version()] = root.title
        first_start.try_readme(root, self.commands, self.index, self.environment)

    def try_pythons(self) -> None:
        """Run all tests with each supported Python that is available and that no other step has used."""
        for version in pythons.supported(ROOT / "pyproject.toml"):
            if version in self._tried:
                self.results[f"Python {version}"] = f"tested on {self._tried[version]}"
            elif (interpreter := pythons.find(version)) is not None:
                title = f"Python {version}: {interpreter.version} of this machine"
                self.step(title, partial(self._test_here, interpreter))
            else:
                try:
                    root = self.cache.root(debian_testing(version))
                except SystemTestError as error:
                    self.results[f"Python {version}"] = f"NOT TESTED: not installed on this machine, and {error}"
                else:
                    self.step(f"Python {version}: {root.title}", partial(self._test_there, root, version))

    def _test_here(self, interpreter: pythons.Interpreter) -> None:
        pythons.run_tests(interpreter, self.commands.test, self.environment)

    def _test_there(self, root: DebianRoot, version: str) -> None:
        with root.project(self.index) as folders:
            command = f"{self.commands.test} PYTHON=python{version}"
            first_start.run_tests(root, command, folders, self.environment)


def main() -> int:
    """Run the steps that the arguments name; return the exit code."""
    parser = argparse.ArgumentParser(prog="make test-system", description="Test the stack on supported systems.")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"{', '.join(_STEPS)}; default: all")
    parser.add_argument(
        "--tests", default="", help="pytest arguments that select the tests of `make test`; default: all"
    )
    arguments = parser.parse_args()
    steps = arguments.steps or _STEPS
    if unknown := set(steps) - set(_STEPS):
        parser.error(f"{', '.join(sorted(unknown))}: unknown step; choose from {', '.join(_STEPS)}")
    if os.geteuid() != 0:
        parser.error("root is required to mount file systems and to install a Debian package")
    try:
        packages.install()
        cache = RootCache.usual()
        run = Run(
            cache=cache,
            commands=commands(ROOT / "README.md"),
            index=package_index.this_machines(),
            environment={"PYTEST_ADDOPTS": arguments.tests} if arguments.tests else {},
        )
        with cache.locked():
            _take(run, steps)
    except SystemTestError as error:
        parser.error(str(error))
    _say("make test-system")
    for title, result in run.results.items():
        sys.stdout.write(f"{title}: {result}\n")
    return 1 if run.failed else 0


def _take(run: Run, steps: Collection[str]) -> None:
    if _SERVERS in steps:
        run.step("Servers of Debian 12", run.try_servers)
    if _README in steps:
        for release in (DEBIAN_12, DEBIAN_13):
            run.step(f"README on {release.title}", partial(run.try_readme, release))
    if _PYTHONS in steps:
        run.try_pythons()


def _say(text: str) -> None:
    sys.stdout.write(f"\n== {text} ==\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
