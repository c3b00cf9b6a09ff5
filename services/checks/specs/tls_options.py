"""The options of TLS verification, shared by all kinds of checks that use TLS."""

import ssl
from dataclasses import dataclass, replace

from services.platform.errors import InvalidArgument
from services.platform.security.tls_context import context_trusting


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """The options of TLS verification.

    Attributes:
        skip_verify: whether to accept any certificate.
        ca_certificates: PEM of the authorities to trust instead of the public ones; if empty, the public ones.
        server_name: the name for SNI and verification instead of the host; if empty, the host.
    """

    skip_verify: bool = False
    ca_certificates: str = ""
    server_name: str = ""

    def without_server_name(self) -> "TlsOptions":
        """Return the options for another origin: without `server_name`, which applies to the check's own origin."""
        return replace(self, server_name="") if self.server_name else self

    def validate(self, field: str) -> None:
        """Refuse authorities that cannot be parsed.

        Args:
            field: the path of the options in the request, such as "check.http.tls".

        Raises:
            InvalidArgument: naming the field.
        """
        pem, field = self.ca_certificates, f"{field}.ca_certificates"
        if not pem:
            return
        if "PRIVATE KEY" in pem:
            raise InvalidArgument.field(field, "must not contain a private key")
        try:
            context_trusting(pem)  # the worker loads them the same way
        except (ssl.SSLError, TypeError, ValueError) as error:
            raise InvalidArgument.field(field, "must be certificates in PEM") from error


DEFAULT_TLS = TlsOptions()
