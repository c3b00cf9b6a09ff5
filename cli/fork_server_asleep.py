"""The fork server while it is idle: wait for an order, without reading it, then become the fork server again.

It is run by its path and imports only built-in modules, so it takes about 4 MB.
"""

import os
import select

COMMAND = "FORK_SERVER_COMMAND"
"""The environment variable with the command line of the fork server, one argument per line."""


def main() -> None:
    """Wait until there is an order on standard input, or its other end is closed."""
    select.select([0], [], [])
    command = os.environ.pop(COMMAND).split("\n")
    os.execv(command[0], command)  # noqa: S606 — the fork server's own command line


if __name__ == "__main__":
    main()
