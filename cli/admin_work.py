"""The work of the commands of `sentinel admin`. It imports the services; the parser of the command line must not."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from sentinel.auth.v1.auth_service_pb2 import RegisterRequest

from cli.operator import (
    CannotReachError,
    create_tenant,
    invite_tenant,
    list_workers,
    reset_password,
    resume_tenant,
    rotate_keys,
    rotate_secrets,
    suspend_tenant,
)
from cli.password_input import PasswordInputError, read_password
from services.auth.tenants import OperatorError
from services.platform.configuration.settings import SettingError, Settings
from services.platform.errors import SentinelError
from services.platform.security.key_file import KeyFileError

_WRONG = 2
_REFUSALS = (SettingError, CannotReachError, KeyFileError, OperatorError, PasswordInputError)


def run(arguments: argparse.Namespace) -> int:
    """Run a command and print what it returns; return the exit code."""
    try:
        settings = Settings.of_stack()
        sys.stdout.write(f"{asyncio.run(_work_of(settings, arguments))}\n")
    except SentinelError as error:
        sys.stderr.write(f"sentinel: {error.message}\n")
        return _WRONG
    except _REFUSALS as error:
        sys.stderr.write(f"sentinel: {error}\n")
        return _WRONG
    return 0


def _work_of(settings: Settings, arguments: argparse.Namespace) -> Coroutine[Any, Any, str]:
    """Return the coroutine of a command, which returns the text to print.

    Raises:
        PasswordInputError: the command needs a password, and none was given.
    """
    return _WORK[arguments.admin_command](settings, arguments)


def _create_tenant(settings: Settings, arguments: argparse.Namespace) -> Coroutine[Any, Any, str]:
    request = RegisterRequest(
        tenant_name=arguments.name or arguments.slug,
        tenant_slug=arguments.slug,
        email=arguments.email,
        password=read_password(arguments.email),
        display_name=arguments.display_name,
    )
    return create_tenant(settings, request)


_WORK: dict[str, Callable[[Settings, argparse.Namespace], Coroutine[Any, Any, str]]] = {
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
