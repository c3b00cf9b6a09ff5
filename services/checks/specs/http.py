"""What an HTTP check probes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import check_pb2 as pb
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.specs import assertion_codec
from services.checks.specs.assertions import (
    SUCCESS,
    SUCCESS_ALONE,
    Assertion,
    BodyContains,
    StatusIs,
    ask_of_the_status,
    read_the_body,
)
from services.checks.specs.codec import As
from services.checks.specs.http_auth import NO_AUTH, Headers, HttpAuth
from services.checks.specs.refusals import refuse_bad
from services.checks.specs.secrets import HIDDEN, forms, parts_of_header
from services.checks.specs.spec import Spec
from services.checks.specs.tls_options import DEFAULT_TLS, TlsOptions
from services.checks.specs.urls import origin_of, read_url, refuse_bad_url
from services.platform.errors import InvalidArgument

MOST_REDIRECTS = 5
"""How many redirects are followed where nothing is said."""

# What stands between the scheme and the path of an absolute URL.
_HOST = re.compile(r"[^:]*://([^/?#]*)")


def _pairs(headers: Mapping[str, str]) -> Headers:
    return tuple(sorted(headers.items()))


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class HttpSpec(Spec):
    """An HTTP request and what its answer must be.

    Attributes:
        url: absolute, http or https, without credentials.
        method: in upper case.
        headers: names and values, in order.
        body: what follows the headers.
        expected_statuses: the codes that mean UP; any 2xx when empty.
        follow_redirects: whether redirects are followed.
        max_redirects: how many at the most; 0 for none.
        body_contains: what the decoded body must contain; nothing when empty.
        tls: how an https target is verified.
        auth: who it says it is, and which of its headers are secrets.
        asserted: what else must be true of the answer.
        shows_body: whether somebody wants to see the body, whatever the assertions are; of one run, and no part of it.
    """

    KIND: ClassVar[str] = "http"
    MESSAGE: ClassVar[type[Message]] = pb.HttpCheck

    url: str
    method: str = "GET"
    headers: Annotated[Headers, As(read=_pairs, write=dict)] = ()
    body: Annotated[bytes, As(read=str.encode, write=bytes.decode)] = b""
    expected_statuses: Annotated[tuple[int, ...], As("expected_status")] = ()
    follow_redirects: bool = True
    max_redirects: int = MOST_REDIRECTS
    body_contains: str = ""
    tls: TlsOptions = DEFAULT_TLS
    auth: Annotated[HttpAuth, As(is_group=True)] = NO_AUTH
    asserted: Annotated[
        tuple[Assertion, ...], As("assertions", assertion_codec.from_json, assertion_codec.to_json)
    ] = ()
    shows_body: bool = field(default=False, compare=False)

    def __repr__(self) -> str:
        return f"HttpSpec({self.method} {self.url})"  # headers and bodies may be secrets

    @property
    def target(self) -> str:
        """The URL's host, and its port where it has one."""
        return _HOST.match(self.url)[1].lower()  # type: ignore[index] # the contract refuses other URLs

    @property
    def most_redirects(self) -> int:
        """How many redirects are followed."""
        return self.max_redirects if self.follow_redirects else 0

    @property
    def assertions(self) -> tuple[Assertion, ...]:
        """What has to be true of the answer: what the shorthands say, then the rest."""
        return (*self._shorthands(), *self.asserted) if self.asserted else self._shorthands()

    @property
    def implied_assertions(self) -> int:
        """How many of them the shorthands say."""
        return len(self._shorthands())

    def _shorthands(self) -> tuple[Assertion, ...]:
        if not (self.expected_statuses or self.body_contains or self.asserted):
            return SUCCESS_ALONE  # as most checks have it
        said = (BodyContains(self.body_contains),) if self.body_contains else ()
        if self.expected_statuses:
            return (StatusIs(self.expected_statuses), *said)
        return said if ask_of_the_status(self.asserted) else (SUCCESS, *said)

    @property
    def reads_body(self) -> bool:
        """Whether the verdict needs the answer's body, or somebody wants to see it."""
        # Asked some times a run, and most checks assert nothing.
        return bool(self.body_contains) or self.shows_body or (bool(self.asserted) and read_the_body(self.asserted))

    def showing(self) -> "HttpSpec":
        """The same, and its answer's body is kept for people to see."""
        return replace(self, shows_body=True)

    @property
    def audience(self) -> str:
        """The URL's origin."""
        return origin_of(self.url)

    def secret_fields(self) -> dict[str, str]:
        """The secrets that there are, by where they are."""
        headers = {_header(name): value for name, value in self.headers if value and self.auth.hides(name)}
        return {**headers, **self.auth.secret_fields()}

    def with_secrets(self, values: Mapping[str, str]) -> "HttpSpec":
        """The same with these secrets in their places."""
        headers = tuple((name, values.get(_header(name), value)) for name, value in self.headers)
        return replace(self, headers=headers, auth=self.auth.with_secrets(values))

    def secrets(self) -> tuple[str, ...]:
        """Every text that must not be shown, also as it goes over the wire."""
        basic = self.auth.basic_auth
        values = [*self.secret_fields().values(), *([basic.credentials] if basic and basic.password else [])]
        values += [part for name, value in self.headers if self.auth.hides(name) for part in parts_of_header(value)]
        return tuple(form for value in values for form in forms(value))

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """The URL's host."""
        return {"url": read_url(self.url).host}

    def refuse_bad(self, field: str) -> None:
        """Refuse what could not be dialled, shown to a target or judged, and HIDDEN in place of a secret.

        Raises:
            InvalidArgument: naming the field.
        """
        refuse_bad_url(self.url, f"{field}.url")
        self.tls.refuse_bad(f"{field}.tls")
        refuse_bad(self.asserted, f"{field}.assertions")
        self._refuse_body_of_head(field)
        # In a header that is no secret too: what was kept for it would be shown.
        for path, value in [(_header(name), value) for name, value in self.headers] + [*self.secret_fields().items()]:
            if HIDDEN in value:
                raise InvalidArgument.field(
                    f"{field}.{path}",
                    f"contains {HIDDEN}, but no secret is stored for this origin; send the secret itself",
                    reasons.ERROR_REASON_SECRET_NOT_STORED,
                )
        self.auth.refuse_bad(field, (name for name, _ in self.headers), secure=self.audience.startswith("https:"))

    def _refuse_body_of_head(self, field: str) -> None:
        if self.method != "HEAD":
            return
        said = "cannot be combined with the method HEAD, since its response has no body; use GET"
        if self.body_contains:
            raise InvalidArgument.field(f"{field}.body_contains", said)
        for index, each in enumerate(self.asserted):
            if read_the_body((each,)):
                raise InvalidArgument.field(f"{field}.assertions[{index}].{assertion_codec.name_of(each)}", said)

    def audited(self) -> dict[str, object]:
        """What the audit log shows; headers' values and bodies may be secrets, so it shows none."""
        return {
            "url": self.url,
            "method": self.method,
            "headers": {name: HIDDEN for name, _ in self.headers},
            **self.auth.audited(),
            "bodyBytes": len(self.body),
            "expectedStatus": list(self.expected_statuses),
            "followRedirects": self.follow_redirects,
            "maxRedirects": self.max_redirects,
            "assertions": [assertion_codec.name_of(each) for each in self.asserted],
        }


def _header(name: str) -> str:
    """Where a header's value is."""
    return f"headers[{name!r}]"
