"""What a check probes, as the database keeps it and the probe needs it."""

from dataclasses import dataclass, field, replace
from typing import Any

HTTP = "http"


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How an https target is verified.

    Attributes:
        skip_verify: whether any certificate is taken.
        ca_certificates: PEM of the authorities to trust instead of the public ones; the public ones when empty.
        server_name: the name to ask for and to verify, instead of the URL's host; the host when empty.
    """

    skip_verify: bool = False
    ca_certificates: str = ""
    server_name: str = ""

    def elsewhere(self) -> "TlsOptions":
        """The same for another origin, whose name is its own."""
        return replace(self, server_name="") if self.server_name else self

    def to_json(self) -> dict[str, Any]:
        """As the column `spec` holds it."""
        return {
            "skip_verify": self.skip_verify,
            "ca_certificates": self.ca_certificates,
            "server_name": self.server_name,
        }


DEFAULT_TLS = TlsOptions()


@dataclass(frozen=True, slots=True)
class HttpSpec:
    """An HTTP request and what its answer must be.

    Attributes:
        url: absolute, http or https, without credentials.
        method: in upper case.
        headers: names and values, in order.
        body: what follows the headers.
        expected_statuses: the codes that mean UP; any 2xx when empty.
        follow_redirects: at most five, when true.
        body_contains: what the decoded body must contain; nothing when empty.
        tls: how an https target is verified.
        kept: what the worker made of this spec to send it; lives as long as the spec does, and is no part of it.
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    expected_statuses: tuple[int, ...] = ()
    follow_redirects: bool = True
    body_contains: str = ""
    tls: TlsOptions = DEFAULT_TLS
    kept: object | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def reads_body(self) -> bool:
        """Whether the verdict needs the answer's body."""
        return bool(self.body_contains)

    def keep(self, made: object) -> None:
        """Remember what was made of this spec."""
        object.__setattr__(self, "kept", made)

    def to_json(self) -> dict[str, Any]:
        """As the column `spec` holds it."""
        return {
            "url": self.url,
            "method": self.method,
            "headers": [list(pair) for pair in self.headers],
            "body": self.body.decode(),
            "expected_statuses": list(self.expected_statuses),
            "follow_redirects": self.follow_redirects,
            "body_contains": self.body_contains,
            "tls": None if self.tls == DEFAULT_TLS else self.tls.to_json(),
        }

    @classmethod
    def from_json(cls, column: dict[str, Any]) -> "HttpSpec":
        """From the column `spec`; what was written before there was a field lacks it."""
        given = column.get("tls")
        tls = TlsOptions(**given) if given else DEFAULT_TLS
        return cls(
            url=column["url"],
            method=column["method"],
            headers=tuple((name, value) for name, value in column["headers"]),
            body=column["body"].encode(),
            expected_statuses=tuple(column["expected_statuses"]),
            follow_redirects=column["follow_redirects"],
            body_contains=column.get("body_contains", ""),
            tls=tls,
        )
