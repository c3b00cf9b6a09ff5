"""Where a process serves."""

from typing import NamedTuple


class Address(NamedTuple):
    """Where to serve: a host's name or address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
