"""How servers are verified: one OpenSSL context for all that are verified and spoken to alike, kept and bounded."""

import ssl
from collections import OrderedDict
from collections.abc import Callable

import httpx

from services.common.specs.tls_options import TlsOptions

HTTP = "http/1.1"
ANY = ""
"""Whatever is spoken over the connection, the server is not asked for it: it might refuse what it does not know."""

_MOST_CONTEXTS = 256


class TlsContexts:
    """Contexts by what they verify, and by the protocol that they ask for (ALPN): HTTP or ANY.

    Args:
        public: makes a context that verifies against the public authorities; by default those that httpx trusts.
    """

    def __init__(self, public: Callable[[], ssl.SSLContext] = httpx.create_ssl_context) -> None:
        # Made now: to read all public authorities takes some milliseconds, which no probe should wait for.
        self._public = {protocol: _asking(public(), protocol) for protocol in (HTTP, ANY)}
        self._trusting = {protocol: _asking(_trusting(), protocol) for protocol in (HTTP, ANY)}
        self._by_authorities: OrderedDict[tuple[str, str], ssl.SSLContext] = OrderedDict()

    def of(self, options: TlsOptions, protocol: str = HTTP) -> ssl.SSLContext:
        """The context for some options and a protocol; their server's name is not part of it."""
        if options.skip_verify:
            return self._trusting[protocol]
        pem = options.ca_certificates
        if not pem:
            return self._public[protocol]
        context = self._by_authorities.get((pem, protocol))
        if context is None:
            # What is no certificate was refused when the check was saved.
            context = _asking(ssl.create_default_context(cadata=pem), protocol)
            self._by_authorities[pem, protocol] = context
        self._by_authorities.move_to_end((pem, protocol))
        if len(self._by_authorities) > _MOST_CONTEXTS:
            self._by_authorities.popitem(last=False)
        return context


def _asking(context: ssl.SSLContext, protocol: str) -> ssl.SSLContext:
    if protocol:
        context.set_alpn_protocols([protocol])
    return context


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
