"""A row: the behaviour of a target, the check, and the expected verdict. Plain data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.integration.real_world.servers import NameServer, Target

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The expected end of a run; None is not compared.

    Attributes:
        outcome: UP, DOWN or ERROR; REFUSED or TAKEN for a request that is refused or accepted.
        kind: the error kind; for REFUSED the path of the field in the error.
        says: a part of the message; for TAKEN the fields that an update changes.
        status: the status code of the final response.
        redirects: the number of redirects that were followed.
        attempt: the number of the attempt with the verdict.
    """

    outcome: str
    kind: str = ""
    says: str = ""
    status: int | None = None
    redirects: int | None = None
    attempt: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A behaviour and its verdict.

    Attributes:
        name: the behaviour as one plain statement; unique in its subject.
        target: the behaviour of the server.
        check: the check in the contract's JSON, without a name; the address of the server is added if it is absent. In
            texts $PORT is the server's port, $SECURE_PORT its port with TLS, $CLOSED_PORT a closed port, and $ROOT,
            $INTERMEDIATE and $LEAF are PEM of certificates.
        verdict: the expected verdict.
        source: a section of an RFC, an issue of a public tracker, or a manual.
        why: the reason, if the verdict has no message with it.
        names: the name servers of the monitor; if empty, one that resolves all names in .test.
    """

    name: str
    target: Target
    verdict: Verdict
    source: str
    check: Json = field(default_factory=lambda: {"http": {}})
    why: str = ""
    names: tuple[NameServer, ...] = ()

    @property
    def slug(self) -> str:
        """The name as the id of a test and as a key of curl.json."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def kind(self) -> str:
        """The kind of the check."""
        return next(each for each in ("http", "tcp", "tls", "dns", "grpc", "heartbeat") if each in self.check)


UP = Verdict(outcome="UP")


def up(status: int | None = None, *, redirects: int | None = None, attempt: int | None = None) -> Verdict:
    """Return the verdict UP with properties of the final response."""
    return Verdict(outcome="UP", status=status, redirects=redirects, attempt=attempt)


def down(
    kind: str, says: str = "", *, status: int | None = None, redirects: int | None = None, attempt: int | None = None
) -> Verdict:
    """Return the verdict DOWN of a kind, with a part of the message."""
    return Verdict(outcome="DOWN", kind=kind, says=says, status=status, redirects=redirects, attempt=attempt)


def error(kind: str, says: str = "") -> Verdict:
    """Return the verdict ERROR of a kind, with a part of the message."""
    return Verdict(outcome="ERROR", kind=kind, says=says)


def refused(at: str, says: str = "") -> Verdict:
    """Return the verdict REFUSED, with the field in the error and a part of the message."""
    return Verdict(outcome="REFUSED", kind=at, says=says)


def http(url: str = "", /, **fields: Any) -> Json:
    """Return an HTTP check; without a URL, of the row's server."""
    return {"http": {**({"url": url} if url else {}), **fields}}
