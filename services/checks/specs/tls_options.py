"""How a server is verified, for every kind of check that speaks TLS."""

import ssl
from dataclasses import dataclass, replace

from services.platform.errors import InvalidArgument
from services.platform.security.tls_context import context_trusting


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How a server is verified.

    Attributes:
        skip_verify: whether any certificate is taken.
        ca_certificates: PEM of the authorities to trust instead of the public ones; the public ones when empty.
        server_name: the name to ask for and to verify, instead of the host; the host when empty.
    """

    skip_verify: bool = False
    ca_certificates: str = ""
    server_name: str = ""

    def elsewhere(self) -> "TlsOptions":
        """The same for another origin, whose name is its own."""
        return replace(self, server_name="") if self.server_name else self

    def refuse_bad(self, field: str) -> None:
        """Refuse authorities that no connection could be verified against; none at all are good.

        Raises:
            InvalidArgument: naming the field.
        """
        pem, field = self.ca_certificates, f"{field}.ca_certificates"
        if not pem:
            return
        if "PRIVATE KEY" in pem:
            raise InvalidArgument.field(field, "must not contain a private key")
        try:
            context_trusting(pem)  # as the worker will read it
        except (ssl.SSLError, TypeError, ValueError) as error:
            raise InvalidArgument.field(field, "must be certificates in PEM") from error


DEFAULT_TLS = TlsOptions()
