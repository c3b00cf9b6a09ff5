"""A row: what a target does, how it is checked, and the verdict that it has to get. Plain data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.integration.real_world.servers import NameServer, Target

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a run has to end; what is None is not looked at.

    Attributes:
        outcome: UP, DOWN or ERROR; REFUSED when the check or the request must not be taken; TAKEN of a request that is.
        kind: the error kind; of what is refused, the path of the field that is named.
        says: a part of the message; of an update that is taken, the fields that it changes.
        status: the status code of the last answer.
        redirects: how many were followed.
        attempt: which attempt gave the verdict.
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
        name: the behaviour, as one phrase; unique in its subject.
        target: what the server does.
        check: a check as the contract's JSON; without a name, and without what leads to the target where that goes
            without saying. In texts $PORT is the server's port, $SECURE_PORT its port with TLS, $CLOSED_PORT one on
            which nobody listens, and $ROOT, $INTERMEDIATE and $LEAF are PEM of certificates.
        verdict: what has to come of it.
        source: who says so: a section of an RFC, an issue of a public tracker, a manual.
        why: the reason in words, where the verdict does not say it.
        names: the name servers that the monitor uses; one that knows all names in .test when there are none.
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
        """The name as a test's id, and as a key."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def kind(self) -> str:
        """The kind of the check."""
        return next(each for each in ("http", "tcp", "tls", "dns", "grpc", "heartbeat") if each in self.check)


UP = Verdict(outcome="UP")


def up(status: int | None = None, *, redirects: int | None = None, attempt: int | None = None) -> Verdict:
    """UP, with a certain last answer."""
    return Verdict(outcome="UP", status=status, redirects=redirects, attempt=attempt)


def down(
    kind: str, says: str = "", *, status: int | None = None, redirects: int | None = None, attempt: int | None = None
) -> Verdict:
    """DOWN, of a kind, with a part of the message."""
    return Verdict(outcome="DOWN", kind=kind, says=says, status=status, redirects=redirects, attempt=attempt)


def error(kind: str, says: str = "") -> Verdict:
    """ERROR, of a kind: neither up nor down."""
    return Verdict(outcome="ERROR", kind=kind, says=says)


def refused(at: str, says: str = "") -> Verdict:
    """Not saved: the field that is named, and a part of what is said about it."""
    return Verdict(outcome="REFUSED", kind=at, says=says)


def http(url: str = "", /, **fields: Any) -> Json:
    """An HTTP check; of the row's own server where no URL is given."""
    return {"http": {**({"url": url} if url else {}), **fields}}
