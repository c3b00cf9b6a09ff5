"""What a check probes, as the database keeps it and the probe needs it."""

from dataclasses import dataclass
from typing import Any

HTTP = "http"


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
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    expected_statuses: tuple[int, ...] = ()
    follow_redirects: bool = True

    def to_json(self) -> dict[str, Any]:
        """As the column `spec` holds it."""
        return {
            "url": self.url,
            "method": self.method,
            "headers": [list(pair) for pair in self.headers],
            "body": self.body.decode(),
            "expected_statuses": list(self.expected_statuses),
            "follow_redirects": self.follow_redirects,
        }

    @classmethod
    def from_json(cls, column: dict[str, Any]) -> "HttpSpec":
        """From the column `spec`."""
        return cls(
            url=column["url"],
            method=column["method"],
            headers=tuple((name, value) for name, value in column["headers"]),
            body=column["body"].encode(),
            expected_statuses=tuple(column["expected_statuses"]),
            follow_redirects=column["follow_redirects"],
        )
