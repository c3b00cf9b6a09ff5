"""What must be right before a stack starts, found without starting anything and all at once."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cli.door import certificate
from cli.door.certificate import CertificateError
from cli.settings import StackSettings
from services.auth.signing import Keyring
from services.common.key_file import KeyFileError, warning_about_mode
from services.common.secret_keys import SecretKeys, key_file
from services.common.setting_names import unknown_settings
from services.common.settings import SettingError


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, each as a sentence.

    Attributes:
        settings: of the stack; None if they cannot be read.
        problems: what keeps the stack from starting.
        warnings: what should be changed, and keeps it from nothing.
    """

    settings: StackSettings | None
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def preflight(environment: Mapping[str, str] = os.environ) -> Findings:
    """Check settings, the certificate of the door and the files of keys."""
    unknown = unknown_settings(environment)
    try:
        settings = StackSettings.read(environment)
    except SettingError as error:
        return Findings(None, [*unknown, str(error)])
    return Findings(settings, [*unknown, *_damaged(settings)], [*_open_to_others(settings)])


def _damaged(settings: StackSettings) -> Iterator[str]:
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
            yield f"{keys} cannot be used: {error.strerror}; make it a folder of this user, with mode 700"
            return


def _open_to_others(settings: StackSettings) -> Iterator[str]:
    keys = settings.data_dir / "keys"
    paths = [*keys.glob("signing*.pem"), *keys.glob(key_file(settings.data_dir).name)]
    paths += [settings.tls.key] if settings.tls and settings.tls.key.exists() else []
    yield from (warning for path in sorted(paths) if (warning := warning_about_mode(path)))
