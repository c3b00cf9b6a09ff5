"""From the text of a setting to its value: functions of name and text, which raise SettingError."""

import ipaddress
import re
import socket
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TypeVar

from services.platform.address import Address
from services.platform.configuration.setting import SettingError
from services.platform.security import key_text
from services.platform.security.origin import Network, parse_networks

_MOST_DIGITS = 9
_DNS_PORT = 53
_HIGHEST_PORT = 65_535
# What Kubernetes gives NAME_PORT for a Service.
_ADDRESS_OF_KUBERNETES = re.compile(r"(tcp|udp|sctp)://\S+")
_E = TypeVar("_E", bound=Enum)


def is_address_of_kubernetes(value: str) -> bool:
    """Return whether a value is one that Kubernetes gives NAME_PORT for a Service."""
    return _ADDRESS_OF_KUBERNETES.fullmatch(value) is not None


def as_text(_name: str, text: str) -> str:
    """Return a text as it is."""
    return text


def integer(least: int, most: int) -> Callable[[str, str], int]:
    """Return a parser of integers within bounds."""

    def parse(name: str, text: str) -> int:
        if is_address_of_kubernetes(text):
            raise SettingError(
                f"{name} is {text!r}, which Kubernetes sets for a Service of that name; rename the Service, or set "
                "enableServiceLinks to false in the pod"
            )
        if not _is_number(text) or not least <= int(text) <= most:
            raise SettingError(f"{name} is {text!r}; it must be an integer from {least} to {most}")
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str, str], str]:
    """Return a parser of words, in upper or lower case."""

    def parse(name: str, text: str) -> str:
        value = text.lower()
        if value not in choices:
            raise SettingError(f"{name} is {value!r}; it must be one of {', '.join(choices)}")
        return value

    return parse


def member_of(kind: type[_E]) -> Callable[[str, str], _E | None]:
    """Return a parser of the values of an enum; None where the setting is not set."""
    word = one_of(*(each.value for each in kind))

    def parse(name: str, text: str) -> _E | None:
        return kind(word(name, text)) if text else None

    return parse


def on_or_off(name: str, text: str) -> bool:
    """Return whether a switch is on."""
    return one_of("on", "off")(name, text) == "on"


def folder(name: str, text: str) -> Path:
    """Return the absolute path of a folder."""
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise SettingError(f"{name}: {error}") from error


def linked_file(_name: str, text: str) -> Path | None:
    """Return the absolute path of a file; None where the setting is not set.

    It is not resolved: certbot and Kubernetes replace a certificate by pointing a symbolic link to another file.
    """
    return Path(text).expanduser().absolute() if text else None


def postgresql_url(name: str, text: str) -> str:
    """Return the URL of a database; empty where the setting is not set."""
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise SettingError(f"{name} must begin with postgresql://")
    return text


def networks(name: str, text: str) -> tuple[Network, ...]:
    """Return networks."""
    try:
        return parse_networks(text)
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from error


def secret_keys(name: str, text: str) -> tuple[bytes, ...]:
    """Return encryption keys; an error shows none of them."""
    try:
        return key_text.parse(text)
    except ValueError as error:
        raise SettingError(f"{name} {error}") from None


def listen_addresses(name: str, text: str) -> tuple[str, ...]:
    """Return IP addresses, each once and in its usual spelling; loopback where the setting is not set."""
    parts = _parts(text)
    if not parts:
        return ("127.0.0.1", "::1") if _has_ipv6() else ("127.0.0.1",)
    try:
        return tuple(dict.fromkeys(str(ipaddress.ip_address(part.strip("[]"))) for part in parts))
    except ValueError as error:
        raise SettingError(
            f"{name}: {error}; it must be a comma-separated list of IP addresses, such as 192.0.2.1, 0.0.0.0 "
            "(all IPv4) or :: (all IPv6)"
        ) from error


def listen_address(name: str, text: str) -> Address | None:
    """Return a host with a port; None where the setting is not set."""
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        host = ""
    if not host or not _is_port(port):
        raise SettingError(f"{name} is {text!r}; it must be an address such as 127.0.0.1:9100 or [::1]:9100")
    return Address(host, int(port))


def dns_servers(name: str, text: str) -> tuple[str, ...]:
    """Return addresses as host:port or [host]:port; the port is 53 where it is left out."""
    return tuple(_dns_server(name, part) for part in _parts(text))


def literal_addresses(name: str, text: str) -> tuple[Address, ...]:
    """Return IP addresses with ports. A name would have to be looked up, which may fail or take long by itself."""
    found = []
    for part in _parts(text):
        host, _, port = part.rpartition(":")
        ip = _ip(host)
        if ip is None or not _is_port(port):
            raise SettingError(f"{name}: {part!r} is not address:port such as 192.0.2.1:53 or [2001:db8::1]:53")
        found.append(Address(str(ip), int(port)))
    return tuple(found)


def _dns_server(name: str, text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or "]" in port or (":" in host and not host.startswith("[")):
        host, port = text, str(_DNS_PORT)
    ip = _ip(host)
    if ip is None:
        raise SettingError(f"{name}: {text!r} is not an address such as 192.0.2.1 or [2001:db8::1]:53")
    if not _is_port(port):
        raise SettingError(f"{name}: {text!r} has no port from 1 to {_HIGHEST_PORT}")
    return str(Address(str(ip), int(port)))


def _parts(text: str) -> list[str]:
    return [part for part in map(str.strip, text.split(",")) if part]


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def _is_port(text: str) -> bool:
    return _is_number(text) and 1 <= int(text) <= _HIGHEST_PORT


def _is_number(text: str) -> bool:
    # Its length too: Python refuses to read a number of thousands of digits, with an error of its own.
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def _has_ipv6() -> bool:
    """Return whether this machine has IPv6: some containers do not, not even on loopback."""
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True
