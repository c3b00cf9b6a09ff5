"""Passwords for commands: asked for at a terminal, else read from standard input.

Never an argument: others on the machine see those.
"""

import getpass
import sys


class PasswordInputError(Exception):
    """No password was given; the message is the sentence to print."""


def read_password(whose: str) -> str:
    """Return a password: asked for twice at a terminal, else the first line of standard input.

    Args:
        whose: whose password it is, for the prompt.

    Raises:
        PasswordInputError: there is none, or the two differ.
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
