"""The group `sentinel admin`: what only the operator of an installation may do."""

import argparse
from collections.abc import Callable, Coroutine
from typing import Any

from sentinel.auth.v1.auth_service_pb2 import RegisterRequest

from cli.operator import (
    create_tenant,
    invite_tenant,
    list_workers,
    reset_password,
    resume_tenant,
    rotate_keys,
    rotate_secrets,
    suspend_tenant,
)
from cli.password_input import read_password
from cli.settings import StackSettings

_MOST_DAYS = 90
# They stood at the top before there was the group, and scripts may still call them there.
FORMER_COMMANDS = frozenset({"rotate-keys", "rotate-secrets", "suspend-tenant", "resume-tenant"})


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Add the commands of the group."""
    commands = parser.add_subparsers(dest="admin_command", required=True)
    creation = commands.add_parser("create-tenant", help="make a tenant and its first administrator")
    creation.add_argument("slug", help="the name to log in with")
    creation.add_argument("email", help="the administrator's; the password is asked for, or read from standard input")
    creation.add_argument("--name", help="the tenant's name; the slug by default")
    creation.add_argument("--display-name", default="", help="the administrator's name")
    invitation = commands.add_parser("invite-tenant", help="print a token with which somebody may register one tenant")
    invitation.add_argument(
        "--days", type=_days, default=7, help=f"how long it is good, 1 to {_MOST_DAYS}; 7 by default"
    )
    invitation.add_argument("--note", default="", help="whom it is for; only the database has it")
    password = commands.add_parser(
        "reset-password", help="give a user another password, and end all sessions of the user"
    )
    password.add_argument("slug", help="the tenant's")
    password.add_argument("email", help="the user's; the password is asked for, or read from standard input")
    suspension = commands.add_parser("suspend-tenant", help="refuse all calls of a tenant, and pause its checks")
    suspension.add_argument("slug")
    suspension.add_argument("--reason", required=True, help="the reason that its users see")
    commands.add_parser("resume-tenant", help="let a suspended tenant go on").add_argument("slug")
    commands.add_parser("list-workers", help="show all workers with their shards, checks, runs and start lag")
    rotation = commands.add_parser("rotate-keys", help="change the key that access tokens are signed with")
    rotation.add_argument(
        "--revoke", action="store_true", help="refuse at once what the former keys have signed: one was stolen"
    )
    commands.add_parser("rotate-secrets", help="encrypt the secrets of all checks with a new key")


def work_of(settings: StackSettings, arguments: argparse.Namespace) -> Coroutine[Any, Any, str]:
    """Return the coroutine of a command, which returns the text to print.

    Raises:
        PasswordInputError: the command needs a password, and there is none.
    """
    return _WORK[arguments.admin_command](settings, arguments)


def _create_tenant(settings: StackSettings, arguments: argparse.Namespace) -> Coroutine[Any, Any, str]:
    request = RegisterRequest(
        tenant_name=arguments.name or arguments.slug,
        tenant_slug=arguments.slug,
        email=arguments.email,
        password=read_password(arguments.email),
        display_name=arguments.display_name,
    )
    return create_tenant(settings, request)


_WORK: dict[str, Callable[[StackSettings, argparse.Namespace], Coroutine[Any, Any, str]]] = {
    "create-tenant": _create_tenant,
    "invite-tenant": lambda settings, given: invite_tenant(settings, given.days, given.note),
    "reset-password": lambda settings, given: reset_password(
        settings, given.slug, given.email, read_password(given.email)
    ),
    "suspend-tenant": lambda settings, given: suspend_tenant(settings, given.slug, given.reason),
    "resume-tenant": lambda settings, given: resume_tenant(settings, given.slug),
    "list-workers": lambda settings, _: list_workers(settings),
    "rotate-keys": lambda settings, given: rotate_keys(settings, revoke=given.revoke),
    "rotate-secrets": lambda settings, _: rotate_secrets(settings),
}


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_DAYS)) and 1 <= int(text) <= _MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to {_MOST_DAYS}")
    return int(text)
