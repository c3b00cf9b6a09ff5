"""The `sentinel` command: `python -m cli up`."""

import argparse
import sys

from cli.settings import StackSettings
from cli.up import CannotStartError, up
from services.common.settings import SettingError


def main() -> int:
    """Run the command that the arguments name; answers the exit code."""
    parser = argparse.ArgumentParser(prog="sentinel", description="Sentinel Stack")
    commands = parser.add_subparsers(dest="command", required=True)
    starter = commands.add_parser("up", help="run everything until Ctrl-C")
    starter.add_argument(
        "--stop-with-parent", action="store_true", help="stop when the process that started this one is gone"
    )
    arguments = parser.parse_args()
    try:
        return up(StackSettings.read(), stop_with_parent=arguments.stop_with_parent)
    except (SettingError, CannotStartError) as error:
        sys.stderr.write(f"sentinel: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
