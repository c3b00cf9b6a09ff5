"""How targets under TLS are verified: one OpenSSL context for all that verify alike, kept and bounded."""

import ssl
from collections import OrderedDict

import httpx

from services.common.specs.tls_options import TlsOptions

HTTP_1_1 = "http/1.1"
HTTP_2 = "h2"
_MOST_CONTEXTS = 256


class TlsContexts:
    """Contexts by what they verify and the protocol that they offer.

    Args:
        public: verifies against the public authorities; by default those that httpx trusts.
    """

    def __init__(self, public: ssl.SSLContext | None = None) -> None:
        # A context offers one protocol to all its connections.
        again = httpx.create_ssl_context() if public is None else _like(public)
        self._public = {
            HTTP_1_1: _offering(HTTP_1_1, public or httpx.create_ssl_context()),
            HTTP_2: _offering(HTTP_2, again),
        }
        self._trusting = {protocol: _offering(protocol, _trusting()) for protocol in self._public}
        self._by_authorities: OrderedDict[tuple[str, str], ssl.SSLContext] = OrderedDict()

    def of(self, options: TlsOptions, protocol: str = HTTP_1_1) -> ssl.SSLContext:
        """The context for some options, which offers a protocol (ALPN); its name is not part of it."""
        if options.skip_verify:
            return self._trusting[protocol]
        pem = options.ca_certificates
        if not pem:
            return self._public[protocol]
        key = pem, protocol
        context = self._by_authorities.get(key)
        if context is None:
            # What is no certificate was refused when the check was saved.
            context = self._by_authorities[key] = _offering(protocol, ssl.create_default_context(cadata=pem))
        self._by_authorities.move_to_end(key)
        if len(self._by_authorities) > _MOST_CONTEXTS:
            self._by_authorities.popitem(last=False)
        return context


def _like(public: ssl.SSLContext) -> ssl.SSLContext:
    """Another that trusts the same authorities; those that it was given one by one, not as a folder."""
    return ssl.create_default_context(cadata=b"".join(public.get_ca_certs(binary_form=True)))


def _offering(protocol: str, context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_alpn_protocols([protocol])
    return context


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
