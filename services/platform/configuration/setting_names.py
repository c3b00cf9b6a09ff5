"""Detect environment variables that look like a setting but are none.

A misspelt setting has no effect. `up` and `preflight` refuse to start with one. Single processes only log a warning,
because during an upgrade a process of the previous version has to start with settings of the next version.
"""

import difflib
import re
from collections.abc import Mapping

from services.platform.configuration.parsers import is_address_of_kubernetes
from services.platform.configuration.settings import SETTINGS

_PREFIX = "SENTINEL_"
_ALIKE = 0.7
_NAMES = frozenset(each.name for each in SETTINGS)
# Variables of API clients and of the tests of this repository.
_OF_OTHERS = re.compile(r"SENTINEL_(API_KEY|URL|TOKEN|TEST_.*)")
# Kubernetes sets variables for each Service of a namespace; a Service may be called sentinel or sentinel-door.
_OF_KUBERNETES = re.compile(
    r"SENTINEL_(\w+_)?SERVICE_(HOST|PORT(_\w+)?)|SENTINEL_(\w+_)?PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
)
_PORT_OF_KUBERNETES = re.compile(r"SENTINEL_(\w+_)?PORT")


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """Return a message for each variable that looks like a setting but is none, with the most similar setting."""
    return [
        f"{name} is not a known setting{_suggestion(name)}"
        for name, value in sorted(environment.items())
        if name.startswith(_PREFIX) and name not in _NAMES and not _is_known(name, value)
    ]


def _is_known(name: str, value: str) -> bool:
    if _OF_OTHERS.fullmatch(name) or _OF_KUBERNETES.fullmatch(name):
        return True
    return _PORT_OF_KUBERNETES.fullmatch(name) is not None and is_address_of_kubernetes(value)


def _suggestion(name: str) -> str:
    rest = {each.removeprefix(_PREFIX): each for each in sorted(_NAMES)}
    near = difflib.get_close_matches(name.removeprefix(_PREFIX), rest, n=1, cutoff=_ALIKE)
    if near:
        return f"; did you mean {rest[near[0]]}?"
    return "; docs/settings.md lists all settings; unset it if it is not meant for Sentinel Stack"
