"""The `sentinel` command, also `python -m cli`: `up`, `preflight`, and `admin` for the operator."""

import argparse
import asyncio
import sys

from cli import admin
from cli.operator import CannotReachError
from cli.password_input import PasswordInputError
from cli.preflight import preflight
from cli.settings import StackSettings
from cli.up import CannotStartError, up
from services.auth.tenants import OperatorError
from services.common.errors import SentinelError
from services.common.key_file import KeyFileError
from services.common.settings import SettingError

_WRONG = 2
_REFUSALS = (SettingError, CannotStartError, CannotReachError, KeyFileError, OperatorError, PasswordInputError)


def main() -> int:
    """Run the command given by the arguments; return the exit code."""
    words = sys.argv[1:]
    if words and words[0] in admin.FORMER_COMMANDS:
        words = ["admin", *words]
    arguments = _parser().parse_args(words)
    try:
        if arguments.command in {"up", "preflight"}:
            found = preflight()
            for problem in found.problems:
                sys.stderr.write(f"sentinel: {problem}\n")
            for warning in found.warnings:
                sys.stderr.write(f"sentinel: warning: {warning}\n")
            if found.problems or found.settings is None:
                return _WRONG
            if arguments.command == "up":
                return up(found.settings, stop_with_parent=arguments.stop_with_parent)
            sys.stdout.write("Settings are valid.\n")
            return 0
        settings = StackSettings.read()
        sys.stdout.write(f"{asyncio.run(admin.work_of(settings, arguments))}\n")
    except SentinelError as error:
        sys.stderr.write(f"sentinel: {error.message}\n")
        return _WRONG
    except _REFUSALS as error:
        sys.stderr.write(f"sentinel: {error}\n")
        return _WRONG
    return 0


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
