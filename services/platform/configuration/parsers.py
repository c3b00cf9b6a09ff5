"""Parsers of settings.

A parser takes the name and the text of a setting and returns its value. It raises SettingError, with a message that
names the setting, if the text is invalid. Functions that take limits or choices return such a parser.
"""

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
# The value that Kubernetes sets for NAME_PORT of a Service, such as tcp://10.0.0.1:80.
_ADDRESS_OF_KUBERNETES = re.compile(r"(tcp|udp|sctp)://\S+")
_E = TypeVar("_E", bound=Enum)


def is_address_of_kubernetes(value: str) -> bool:
    """Return whether a value is the address of a Service as Kubernetes sets it, such as tcp://10.0.0.1:80."""
    return _ADDRESS_OF_KUBERNETES.fullmatch(value) is not None


def as_text(_name: str, text: str) -> str:
    """Return the text unchanged."""
    return text


def integer(least: int, most: int) -> Callable[[str, str], int]:
    """Return a parser of integers from `least` to `most`, both included."""

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
    """Return a parser that accepts one of some words, ignoring case, and returns it in lower case."""

    def parse(name: str, text: str) -> str:
        value = text.lower()
        if value not in choices:
            raise SettingError(f"{name} is {value!r}; it must be one of {', '.join(choices)}")
        return value

    return parse


def member_of(kind: type[_E]) -> Callable[[str, str], _E | None]:
    """Return a parser of the values of an enum, ignoring case; it returns None if the setting is not set."""
    word = one_of(*(each.value for each in kind))

    def parse(name: str, text: str) -> _E | None:
        return kind(word(name, text)) if text else None

    return parse


def on_or_off(name: str, text: str) -> bool:
    """Return True for `on` and False for `off`, ignoring case."""
    return one_of("on", "off")(name, text) == "on"


def folder(name: str, text: str) -> Path:
    """Return the absolute path of a directory, with symbolic links resolved."""
    try:
        return Path(text).expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise SettingError(f"{name}: {error}") from error


def linked_file(_name: str, text: str) -> Path | None:
    """Return the absolute path of a file; None if the setting is not set.

    Symbolic links are not resolved: certbot and Kubernetes renew a certificate by pointing a link to another file.
    """
    return Path(text).expanduser().absolute() if text else None


def postgresql_url(name: str, text: str) -> str:
    """Return the URL of a PostgreSQL database; empty if the setting is not set."""
    if text and not text.startswith(("postgresql://", "postgres://")):
        raise SettingError(f"{name} must begin with postgresql://")
    return text


def networks(name: str, text: str) -> tuple[Network, ...]:
    """Return the IP networks of a comma-separated list."""
    try:
        return parse_networks(text)
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from error


def secret_keys(name: str, text: str) -> tuple[bytes, ...]:
    """Return encryption keys. The error message contains none of them."""
    try:
        return key_text.parse(text)
    except ValueError as error:
        raise SettingError(f"{name} {error}") from None


def listen_addresses(name: str, text: str) -> tuple[str, ...]:
    """Return the IP addresses of a list, without duplicates, in canonical form; loopback if the setting is not set."""
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
    """Return a host and port; None if the setting is not set."""
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
    """Return the IP addresses of name servers as host:port or [host]:port; the default port is 53."""
    return tuple(_dns_server(name, part) for part in _parts(text))


def literal_addresses(name: str, text: str) -> tuple[Address, ...]:
    """Return IP addresses with ports. Host names are refused, because resolving one can fail or take long."""
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
    # The length is limited because int() raises an error of its own for a number of thousands of digits.
    return text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS


def _has_ipv6() -> bool:
    """Return whether this machine supports IPv6; some containers lack it, even on loopback."""
    try:
        with socket.socket(socket.AF_INET6) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True
