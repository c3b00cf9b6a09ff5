"""The credentials of an HTTP check, and which of its headers are secrets."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.checks.specs.client_certificate import ClientCertificate
from services.checks.specs.secrets import HIDDEN, is_secret_name
from services.platform.errors import InvalidArgument

Headers = tuple[tuple[str, str], ...]

_PASSWORD = "basic_auth.password"  # noqa: S105 — the path of a password, not a password
_TOKEN = "bearer_token"  # noqa: S105 — the path of a token, not a token
_KEY = "client_certificate.private_key"
_AUTHORIZATION = "Authorization"


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """Username and password for the Basic scheme (RFC 7617); the password is a secret."""

    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def credentials(self) -> str:
        """Username and password in base64, as in the Authorization header."""
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class HttpAuth:
    """The credentials of an HTTP check, in the fields of the contract.

    Attributes:
        basic_auth: username and password; None for none.
        bearer_token: a token; empty for none. A secret.
        client_certificate: the client certificate for an https target; None for none.
        secret_headers: names of headers that are secrets in addition to those with a well-known secret name.
    """

    basic_auth: BasicAuth | None = None
    bearer_token: str = field(default="", repr=False)
    client_certificate: ClientCertificate | None = None
    secret_headers: tuple[str, ...] = ()

    @property
    def headers(self) -> Headers:
        """The headers that the credentials add to a request."""
        if self.basic_auth is not None:
            return ((_AUTHORIZATION, f"Basic {self.basic_auth.credentials}"),)
        return ((_AUTHORIZATION, f"Bearer {self.bearer_token}"),) if self.bearer_token else ()

    def hides(self, name: str) -> bool:
        """Return whether a header of this name is a secret."""
        return is_secret_name(name) or name.lower() in map(str.lower, self.secret_headers)

    def secret_fields(self) -> dict[str, str]:
        """Return the secrets that are set, by their path below the spec."""
        basic, certificate = self.basic_auth, self.client_certificate
        every = {
            _PASSWORD: basic.password if basic else "",
            _TOKEN: self.bearer_token,
            _KEY: certificate.private_key if certificate else "",
        }
        return {path: value for path, value in every.items() if value}

    def with_secrets(self, values: Mapping[str, str]) -> "HttpAuth":
        """Return the credentials with the secrets at these paths replaced; unknown paths are ignored."""
        basic, certificate = self.basic_auth, self.client_certificate
        return replace(
            self,
            basic_auth=basic and replace(basic, password=values.get(_PASSWORD, basic.password)),
            bearer_token=values.get(_TOKEN, self.bearer_token),
            client_certificate=certificate
            and replace(certificate, private_key=values.get(_KEY, certificate.private_key)),
        )

    def audited(self) -> dict[str, object]:
        """Return the fields for the audit log, with HIDDEN in place of secrets."""
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

    def validate(self, field: str, names: Iterable[str], *, secure: bool) -> None:
        """Refuse conflicting credentials, unknown secret headers, and an invalid client certificate.

        Args:
            field: the path of the spec in the request, such as "check.http".
            names: the names of the check's headers.
            secure: whether the target is https.

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
            self.client_certificate.validate(f"{field}.client_certificate")


NO_AUTH = HttpAuth()
