"""How https targets are verified: one OpenSSL context for all that verify alike, kept and bounded."""

import ssl
from collections import OrderedDict

import httpx

from services.common.specs.tls_options import TlsOptions

_MOST_CONTEXTS = 256


class TlsContexts:
    """Contexts by what they verify; each offers HTTP/1.1.

    Args:
        public: verifies against the public authorities; by default those that httpx trusts.
    """

    def __init__(self, public: ssl.SSLContext | None = None) -> None:
        self._public = _prepared(public or httpx.create_ssl_context())
        self._trusting = _prepared(_trusting())
        self._by_authorities: OrderedDict[str, ssl.SSLContext] = OrderedDict()

    def of(self, options: TlsOptions) -> ssl.SSLContext:
        """The context for some options; its name is not part of it."""
        if options.skip_verify:
            return self._trusting
        pem = options.ca_certificates
        if not pem:
            return self._public
        context = self._by_authorities.get(pem)
        if context is None:
            # What is no certificate was refused when the check was saved.
            context = self._by_authorities[pem] = _prepared(ssl.create_default_context(cadata=pem))
        self._by_authorities.move_to_end(pem)
        if len(self._by_authorities) > _MOST_CONTEXTS:
            self._by_authorities.popitem(last=False)
        return context


def _prepared(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
