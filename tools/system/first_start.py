"""Run the README's two commands on a minimal Debian as an unprivileged user."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.support.ports import free_port
from tools.system.debian_root import PROJECT, DebianRoot
from tools.system.errors import SystemTestError
from tools.system.package_index import PackageIndex
from tools.system.readme import Commands
from tools.system.terminal import CTRL_C, Terminal

_INSTALLED_S = 900.0
_STOPPED_S = 30.0
_INTERRUPTED = 130  # the exit code of a shell for a process that SIGINT ended
_REGISTRATION = {"tenantName": "Acme", "tenantSlug": "acme", "email": "a@acme.test", "password": "correct horse"}


def try_readme(root: DebianRoot, commands: Commands, index: PackageIndex, environment: Mapping[str, str]) -> None:
    """Run both commands of the README, one after the other, on the same copy of the project.

    Args:
        root: the Debian system.
        commands: the commands of the README.
        index: the access to the index of Python packages.
        environment: additional environment variables of the tests.

    Raises:
        SystemTestError: a command fails, prints no expected output, or leaves a process running.
    """
    with root.project(index) as folders:
        _try_start(root, commands.start, folders)
        run_tests(root, commands.test, folders, environment)


def run_tests(root: DebianRoot, command: str, folders: Mapping[Path, Path], environment: Mapping[str, str]) -> None:
    """Run the command that runs all tests.

    Raises:
        SystemTestError: it fails, or leaves a process running.
    """
    argv = root.command(["sh", "-c", command], directory=PROJECT, environment=environment, folders=folders)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SystemTestError(f"`{command}` exited with code {done.returncode}")


def _try_start(root: DebianRoot, command: str, folders: Mapping[Path, Path]) -> None:
    """Start the stack, register a tenant, press Ctrl-C."""
    port = free_port()
    argv = root.command(
        ["sh", "-c", command], directory=PROJECT, environment={"SENTINEL_HTTP_PORT": str(port)}, folders=folders
    )
    with Terminal(argv) as terminal:
        url = terminal.wait_for(r"REST, gRPC, gRPC-Web +(http://localhost:\d+)$", _INSTALLED_S)[1]
        terminal.wait_for(r"^Press Ctrl-C to stop\.$", _INSTALLED_S)
        try:
            _register(url)
        except httpx.HTTPError as error:
            raise SystemTestError(f"{url} does not respond: {error}") from error
        terminal.press(CTRL_C)
        terminal.wait_for(r"sentinel *\| stopping$", _STOPPED_S)
        terminal.wait_for(r"sentinel *\| stopped$", _STOPPED_S)
        code = terminal.wait(_STOPPED_S)
    if code not in {0, _INTERRUPTED}:
        raise SystemTestError(f"`{command}` exited with code {code} after Ctrl-C")


def _register(url: str) -> None:
    with httpx.Client(base_url=url, trust_env=False, timeout=10) as client:
        answers = [client.get("/healthz"), client.post("/auth/register", json=_REGISTRATION)]
        if answers[-1].is_success:
            token = answers[-1].json()["tokens"]["accessToken"]
            answers.append(client.get("/overview", headers={"authorization": f"Bearer {token}"}))
    for answer in answers:
        if not answer.is_success:
            raise SystemTestError(f"{answer.request.url.path} returned {answer.status_code}: {answer.text}")
