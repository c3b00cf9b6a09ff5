"""The spec of an HTTP check."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar

from google.protobuf.message import Message
from sentinel.monitor.v1 import check_pb2 as pb
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.specs import assertion_codec
from services.checks.specs.assertion_validation import validate_assertions
from services.checks.specs.assertions import (
    SUCCESS,
    SUCCESS_ALONE,
    Assertion,
    BodyContains,
    StatusIs,
    check_status,
    need_body,
)
from services.checks.specs.codec import As
from services.checks.specs.http_auth import NO_AUTH, Headers, HttpAuth
from services.checks.specs.secrets import HIDDEN, encoded_forms, parts_of_header
from services.checks.specs.spec import Spec
from services.checks.specs.tls_options import DEFAULT_TLS, TlsOptions
from services.checks.specs.urls import origin_of, read_url, validate_url
from services.platform.errors import InvalidArgument

MOST_REDIRECTS = 5
"""The default limit of redirects."""

# Host and port of an absolute URL, with credentials if there are any.
_HOST = re.compile(r"[^:]*://([^/?#]*)")


def _pairs(headers: Mapping[str, str]) -> Headers:
    return tuple(sorted(headers.items()))


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class HttpSpec(Spec):
    """An HTTP request and the expected response.

    Attributes:
        url: an absolute URL, http or https, without credentials.
        method: the method, in upper case.
        headers: names and values of the headers, sorted by name.
        body: the body of the request; may be empty.
        expected_statuses: the accepted status codes; if empty, any 2xx.
        follow_redirects: whether to follow redirects.
        max_redirects: the limit of redirects; 0 for none.
        body_contains: a text that the decoded body has to contain; if empty, the body is not tested.
        tls: the options of verification of an https target.
        auth: the credentials, and which headers are secrets.
        asserted: further assertions on the response.
        shows_body: whether a run reads the body although no assertion needs it, to report it. Not stored.
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
        return f"HttpSpec({self.method} {self.url})"  # headers and body may contain secrets

    @property
    def target(self) -> str:
        """The host of the URL in lower case, with the port if the URL has one."""
        return _HOST.match(self.url)[1].lower()  # type: ignore[index] # the contract refuses other URLs

    @property
    def most_redirects(self) -> int:
        """The limit of redirects; 0 if redirects are not followed."""
        return self.max_redirects if self.follow_redirects else 0

    @property
    def assertions(self) -> tuple[Assertion, ...]:
        """The assertions on the response: those that shorthand fields imply, then those of the list."""
        return (*self._shorthands(), *self.asserted) if self.asserted else self._shorthands()

    @property
    def implied_assertions(self) -> int:
        """The number of assertions that shorthand fields imply."""
        return len(self._shorthands())

    def _shorthands(self) -> tuple[Assertion, ...]:
        if not (self.expected_statuses or self.body_contains or self.asserted):
            return SUCCESS_ALONE  # the case of most checks
        said = (BodyContains(self.body_contains),) if self.body_contains else ()
        if self.expected_statuses:
            return (StatusIs(self.expected_statuses), *said)
        return said if check_status(self.asserted) else (SUCCESS, *said)

    @property
    def reads_body(self) -> bool:
        """Whether a run has to read the body of the response, for the verdict or to report it."""
        # Called several times per run, and most checks have no assertions.
        return bool(self.body_contains) or self.shows_body or (bool(self.asserted) and need_body(self.asserted))

    def with_body_kept(self) -> "HttpSpec":
        """Return the spec for an on-demand run, which reads the body to report it."""
        return replace(self, shows_body=True)

    @property
    def audience(self) -> str:
        """The origin of the URL."""
        return origin_of(self.url)

    def secret_fields(self) -> dict[str, str]:
        """Return the secrets that are set, by their path below the spec."""
        headers = {_header(name): value for name, value in self.headers if value and self.auth.hides(name)}
        return {**headers, **self.auth.secret_fields()}

    def with_secrets(self, values: Mapping[str, str]) -> "HttpSpec":
        """Return the spec with the secrets at these paths replaced; unknown paths are ignored."""
        headers = tuple((name, values.get(_header(name), value)) for name, value in self.headers)
        return replace(self, headers=headers, auth=self.auth.with_secrets(values))

    def secrets(self) -> tuple[str, ...]:
        """Return all texts to mask in output: secrets, parts of secret headers, and their encoded forms."""
        basic = self.auth.basic_auth
        values = [*self.secret_fields().values(), *([basic.credentials] if basic and basic.password else [])]
        values += [part for name, value in self.headers if self.auth.hides(name) for part in parts_of_header(value)]
        return tuple(form for value in values for form in encoded_forms(value))

    @property
    def dialled_hosts(self) -> Mapping[str, str]:
        """The host of the URL."""
        return {"url": read_url(self.url).host}

    def validate(self, field: str) -> None:
        """Refuse an invalid URL, TLS options, credentials or assertions, and HIDDEN without a stored secret.

        Raises:
            InvalidArgument: naming the field; SECRET_NOT_STORED for HIDDEN.
        """
        validate_url(self.url, f"{field}.url")
        self.tls.validate(f"{field}.tls")
        validate_assertions(self.asserted, f"{field}.assertions")
        self._refuse_body_of_head(field)
        # Also in headers that are not secret: a stored secret restored into such a header would be readable.
        for path, value in [(_header(name), value) for name, value in self.headers] + [*self.secret_fields().items()]:
            if HIDDEN in value:
                raise InvalidArgument.field(
                    f"{field}.{path}",
                    f"contains {HIDDEN}, but no secret is stored for this origin; send the secret itself",
                    reasons.ERROR_REASON_SECRET_NOT_STORED,
                )
        self.auth.validate(field, (name for name, _ in self.headers), secure=self.audience.startswith("https:"))

    def _refuse_body_of_head(self, field: str) -> None:
        if self.method != "HEAD":
            return
        said = "cannot be combined with the method HEAD, since its response has no body; use GET"
        if self.body_contains:
            raise InvalidArgument.field(f"{field}.body_contains", said)
        for index, each in enumerate(self.asserted):
            if need_body((each,)):
                raise InvalidArgument.field(f"{field}.assertions[{index}].{assertion_codec.name_of(each)}", said)

    def audited(self) -> dict[str, object]:
        """Return the fields for the audit log, without values of headers and bodies, which may contain secrets."""
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
    """Return the path of a header's value below the spec."""
    return f"headers[{name!r}]"
