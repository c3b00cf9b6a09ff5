"""The fork server while nobody needs it: waits for an order, without reading it, and becomes the fork server again.

It is run by its path and imports only what the interpreter has inside, so it takes some 4 MB.
"""

import os
import select

COMMAND = "FORK_SERVER_COMMAND"
"""The variable with the command line of the fork server, a part on each line."""


def main() -> None:
    """Wait until there is an order on standard input, or its other end is closed."""
    select.select([0], [], [])
    command = os.environ.pop(COMMAND).split("\n")
    os.execv(command[0], command)  # noqa: S606 — what ran before


if __name__ == "__main__":
    main()
