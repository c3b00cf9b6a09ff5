"""The `sentinel` command, also `python -m cli`: `up`, `preflight`, and `admin` for the operator."""

import argparse
import sys

from cli import admin
from cli.fork_client import ForkServer
from cli.forked_work import ForkedWork, ForkedWorkError
from services.platform.configuration.settings import Settings

_FAILED, _WRONG = 1, 2
_SERVICES = ("services.auth.app", "services.monitor.app", "services.worker.app")


def main() -> int:
    """Run the command given by the arguments; return the exit code."""
    words = sys.argv[1:]
    if words and words[0] in admin.FORMER_COMMANDS:
        words = ["admin", *words]
    arguments = _parser().parse_args(words)
    if arguments.command == "admin":
        from cli.admin_work import run  # noqa: PLC0415 — it imports the services, which would take memory in `up`

        return run(arguments)
    if arguments.command == "up":
        return _up(stop_with_parent=arguments.stop_with_parent)
    if _preflight() is None:
        return _WRONG
    sys.stdout.write("Settings are valid.\n")
    return 0


def _up(*, stop_with_parent: bool) -> int:
    services = ForkServer(_SERVICES)  # first, so that it imports while the rest starts
    from cli.up import CannotStartError, up  # noqa: PLC0415

    try:
        settings = ForkedWork(_preflight).result()
        return _WRONG if settings is None else up(settings, services, stop_with_parent=stop_with_parent)
    except CannotStartError as error:
        sys.stderr.write(f"sentinel: {error}\n")
        return _WRONG
    except ForkedWorkError:
        return _FAILED


def _preflight() -> Settings | None:
    """Print all errors and warnings of the preflight check; return the settings if the stack can start."""
    from cli.preflight import preflight  # noqa: PLC0415 — it imports much

    found = preflight()
    for problem in found.problems:
        sys.stderr.write(f"sentinel: {problem}\n")
    for warning in found.warnings:
        sys.stderr.write(f"sentinel: warning: {warning}\n")
    sys.stderr.flush()
    return None if found.problems else found.settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sentinel", description="Sentinel Stack")
    commands = parser.add_subparsers(dest="command", required=True)
    starter = commands.add_parser("up", help="run the stack until Ctrl-C")
    starter.add_argument("--stop-with-parent", action="store_true", help="stop when the parent process ends")
    commands.add_parser("preflight", help="check the settings and the files that they name, without starting anything")
    admin.add_commands(
        commands.add_parser(
            "admin", help="operator commands: create tenants, reset passwords, rotate keys, list workers"
        )
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
