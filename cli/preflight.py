"""Preflight check: find all faults of settings, certificate and key files without starting anything."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cli.door import certificate
from cli.door.certificate import CertificateError
from services.auth.signing import Keyring
from services.platform.configuration.setting_names import unknown_settings
from services.platform.configuration.settings import SettingError, Settings
from services.platform.security.key_file import KeyFileError, warning_about_mode
from services.platform.security.secret_keys import SecretKeys, key_file


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of the preflight check, one message each.

    Attributes:
        settings: the stack's settings; None if they are invalid.
        problems: faults that prevent the start.
        warnings: faults that should be fixed but do not prevent the start.
    """

    settings: Settings | None
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def preflight(environment: Mapping[str, str] = os.environ) -> Findings:
    """Check the settings, the TLS certificate and the key files."""
    unknown = unknown_settings(environment)
    try:
        settings = Settings.of_stack(environment)
    except SettingError as error:
        return Findings(None, [*unknown, str(error)])
    return Findings(settings, [*unknown, *_damaged(settings)], [*_open_to_others(settings)])


def _damaged(settings: Settings) -> Iterator[str]:
    if settings.tls:
        try:
            certificate.read(settings.tls)
        except CertificateError as error:
            yield str(error)
    keys = settings.data_dir / "keys"
    for check in (lambda: Keyring.check(keys), lambda: SecretKeys(file=key_file(settings.data_dir))):
        try:
            check()
        except KeyFileError as error:
            yield str(error)
        except OSError as error:
            yield f"{keys} cannot be used: {error.strerror}; it must be a folder owned by this user, with mode 700"
            return


def _open_to_others(settings: Settings) -> Iterator[str]:
    keys = settings.data_dir / "keys"
    paths = [*keys.glob("signing*.pem"), *keys.glob(key_file(settings.data_dir).name)]
    paths += [settings.tls.key] if settings.tls and settings.tls.key.exists() else []
    yield from (warning for path in sorted(paths) if (warning := warning_about_mode(path)))
