"""The package index of this machine's pip, so that pip in a Debian root uses the same one."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
_FROM_ENVIRONMENT = ":env:"
_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@dataclass(frozen=True, slots=True)
class PackageIndex:
    """Access to the package index.

    Attributes:
        configuration: the text of a configuration file of pip.
        files: the files and folders that it names; they must have the same path in the root.
    """

    configuration: str
    files: tuple[Path, ...]


def this_machines() -> PackageIndex:
    """Read the configuration of this machine's pip."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    return read(listed.stdout.splitlines(), os.environ)


def read(listed: Iterable[str], environment: Mapping[str, str]) -> PackageIndex:
    """Return the text of one configuration file with the settings that pip reads from files and environment.

    Args:
        listed: the output of `pip config list`: a line `section.name='value'` for each setting. Those of the
            environment have the section `:env:` and take precedence.
        environment: the environment variables, for a proxy that pip's configuration does not set.
    """
    parser = ConfigParser(interpolation=None)
    parser["global"] = {"cert": str(AUTHORITIES)}
    for proxy in filter(None, map(environment.get, _PROXIES)):
        parser["global"]["proxy"] = proxy
        break
    for line in sorted(listed, key=lambda line: line.startswith(_FROM_ENVIRONMENT)):
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        section = "global" if section == _FROM_ENVIRONMENT else section
        if not parser.has_section(section):
            parser.add_section(section)
        parser[section][option] = str(ast.literal_eval(value))
    text = StringIO()
    parser.write(text)
    words = [word for section in parser.values() for value in section.values() for word in value.split()]
    return PackageIndex(text.getvalue(), tuple(dict.fromkeys(Path(word) for word in words if _is_local(word))))


def _is_local(word: str) -> bool:
    return word.startswith("/") and Path(word).exists()
