"""Passwords for commands: prompted for on a terminal, else read from standard input.

Never arguments, because other users of the machine can see those.
"""

import getpass
import sys


class PasswordInputError(Exception):
    """No valid password was given. The message is printed for the operator."""


def read_password(whose: str) -> str:
    """Return a password: prompted for twice on a terminal, else the first line of standard input.

    Args:
        whose: the user's email, for the prompt.

    Raises:
        PasswordInputError: no password was given, or the two do not match.
    """
    if not sys.stdin.isatty():
        line = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
        if not line:
            raise PasswordInputError("no password on standard input; send it as one line, or use a terminal")
        return line
    password = getpass.getpass(f"Password for {whose}: ")
    if password != getpass.getpass("Repeat password: "):
        raise PasswordInputError("the passwords do not match; try again")
    return password
