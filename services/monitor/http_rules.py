"""Which HTTP requests can be probed, beyond what the contract's rules see."""

import ssl

from services.common.errors import InvalidArgument
from services.common.spec import HttpSpec
from services.monitor.urls import refuse_bad_url


def refuse_bad_http(http: HttpSpec, field: str) -> None:
    """Refuse what could never be probed.

    Raises:
        InvalidArgument: naming the field.
    """
    refuse_bad_url(http.url, f"{field}.url")
    refuse_bad_authorities(http.tls.ca_certificates, f"{field}.tls.ca_certificates")


def refuse_bad_authorities(pem: str, field: str) -> None:
    """Refuse authorities that no connection could be verified against; none at all are good.

    Raises:
        InvalidArgument: naming the field.
    """
    if not pem:
        return
    if "PRIVATE KEY" in pem:
        raise InvalidArgument.field(field, "must not hold a private key")
    try:
        ssl.create_default_context(cadata=pem)  # as the worker will read it
    except (ssl.SSLError, TypeError, ValueError) as error:
        raise InvalidArgument.field(field, "must be certificates in PEM") from error
