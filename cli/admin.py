"""The command group `sentinel admin`: operator commands."""

import argparse

_MOST_DAYS = 90
# These commands predate the group; scripts may still call them without it.
FORMER_COMMANDS = frozenset({"rotate-keys", "rotate-secrets", "suspend-tenant", "resume-tenant"})


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands of the group."""
    commands = parser.add_subparsers(dest="admin_command", required=True)
    creation = commands.add_parser("create-tenant", help="create a tenant and its first administrator")
    creation.add_argument("slug", help="the tenant's slug, used to log in")
    creation.add_argument(
        "email", help="the administrator's email; the password is prompted for, or read from standard input"
    )
    creation.add_argument("--name", help="the tenant's display name; default: the slug")
    creation.add_argument("--display-name", default="", help="the administrator's display name")
    invitation = commands.add_parser(
        "invite-tenant", help="create an invitation to register one tenant, and print its token"
    )
    invitation.add_argument("--days", type=_days, default=7, help=f"validity in days, 1 to {_MOST_DAYS}; default: 7")
    invitation.add_argument("--note", default="", help="a note about the invited person, stored with the invitation")
    password = commands.add_parser("reset-password", help="reset a user's password and end all sessions of the user")
    password.add_argument("slug", help="the tenant's slug")
    password.add_argument("email", help="the user's email; the password is prompted for, or read from standard input")
    suspension = commands.add_parser("suspend-tenant", help="reject all calls of a tenant and stop its checks")
    suspension.add_argument("slug", help="the tenant's slug")
    suspension.add_argument("--reason", required=True, help="the reason shown to the tenant's users")
    resumption = commands.add_parser("resume-tenant", help="resume a suspended tenant")
    resumption.add_argument("slug", help="the tenant's slug")
    commands.add_parser("list-workers", help="list all workers with their shards, checks, runs and start lag")
    rotation = commands.add_parser("rotate-keys", help="rotate the key that signs access tokens")
    rotation.add_argument(
        "--revoke",
        action="store_true",
        help="revoke access tokens signed by earlier keys at once, for example after a key was stolen",
    )
    commands.add_parser(
        "rotate-secrets", help="rotate the secrets encryption key and re-encrypt the secrets of all checks"
    )


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_DAYS)) and 1 <= int(text) <= _MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 1 to {_MOST_DAYS}")
    return int(text)
