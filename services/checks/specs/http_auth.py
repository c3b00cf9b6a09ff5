"""How an HTTP check says who it is, and which of its headers are secrets."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.checks.specs.client_certificate import ClientCertificate
from services.checks.specs.secrets import HIDDEN, is_secret_name
from services.platform.errors import InvalidArgument

Headers = tuple[tuple[str, str], ...]

_PASSWORD = "basic_auth.password"  # noqa: S105 — where a password is, not one
_TOKEN = "bearer_token"  # noqa: S105 — where a token is, not one
_KEY = "client_certificate.private_key"
_AUTHORIZATION = "Authorization"


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """A user's name and password (RFC 7617); the password is a secret."""

    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def credentials(self) -> str:
        """As the header spells both."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class HttpAuth:
    """Who an HTTP check says it is, by the names of the contract.

    Attributes:
        basic_auth: a name and a password; None for none.
        bearer_token: a token; none when empty. A secret.
        client_certificate: what an https target is shown; None for nothing.
        secret_headers: names of headers that are secrets though their names do not say so.
    """

    basic_auth: BasicAuth | None = None
    bearer_token: str = field(default="", repr=False)
    client_certificate: ClientCertificate | None = None
    secret_headers: tuple[str, ...] = ()

    @property
    def headers(self) -> Headers:
        """What it adds to a request."""
        if self.basic_auth is not None:
            return ((_AUTHORIZATION, f"Basic {self.basic_auth.credentials}"),)
        return ((_AUTHORIZATION, f"Bearer {self.bearer_token}"),) if self.bearer_token else ()

    def hides(self, name: str) -> bool:
        """Whether a header of this name is a secret."""
        return is_secret_name(name) or name.lower() in map(str.lower, self.secret_headers)

    def secret_fields(self) -> dict[str, str]:
        """The secrets that there are, by where they are."""
        basic, certificate = self.basic_auth, self.client_certificate
        every = {
            _PASSWORD: basic.password if basic else "",
            _TOKEN: self.bearer_token,
            _KEY: certificate.private_key if certificate else "",
        }
        return {path: value for path, value in every.items() if value}

    def with_secrets(self, values: Mapping[str, str]) -> "HttpAuth":
        """The same with these secrets in their places."""
        basic, certificate = self.basic_auth, self.client_certificate
        return replace(
            self,
            basic_auth=basic and replace(basic, password=values.get(_PASSWORD, basic.password)),
            bearer_token=values.get(_TOKEN, self.bearer_token),
            client_certificate=certificate
            and replace(certificate, private_key=values.get(_KEY, certificate.private_key)),
        )

    def audited(self) -> dict[str, object]:
        """What the audit log shows of it."""
        shown: dict[str, object] = {}
        if self.basic_auth is not None:
            shown["basicAuth"] = {"username": self.basic_auth.username, "password": HIDDEN}
        if self.bearer_token:
            shown["bearerToken"] = HIDDEN
        if self.client_certificate is not None:
            shown["clientCertificate"] = {"certificate": self.client_certificate.certificate, "privateKey": HIDDEN}
        if self.secret_headers:
            shown["secretHeaders"] = list(self.secret_headers)
        return shown

    def refuse_bad(self, field: str, names: Iterable[str], *, secure: bool) -> None:
        """Refuse what contradicts itself, and what no target could be shown.

        Args:
            field: where the check's HTTP part is in the request.
            names: of its headers.
            secure: whether its target is https.

        Raises:
            InvalidArgument: naming the field.
        """
        if self.basic_auth is not None and self.bearer_token:
            raise InvalidArgument.field(f"{field}.bearer_token", "cannot be combined with basic_auth")
        given = {name.lower(): name for name in names}
        if self.headers and (named := given.get(_AUTHORIZATION.lower())):
            raise InvalidArgument.field(
                f"{field}.headers[{named!r}]", "cannot be combined with basic_auth or bearer_token"
            )
        for name in self.secret_headers:
            if name.lower() not in given:
                raise InvalidArgument.field(
                    f"{field}.secret_headers", f"unknown header {name!r}; it must be one of headers"
                )
        if self.client_certificate is not None:
            if not secure:
                raise InvalidArgument.field(f"{field}.client_certificate", "requires a url that begins with https://")
            self.client_certificate.refuse_bad(f"{field}.client_certificate")


NO_AUTH = HttpAuth()
