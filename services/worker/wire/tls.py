"""How https targets are verified: one OpenSSL context for all that verify alike, kept and bounded."""

import ssl
from collections import OrderedDict

import httpx

from services.common.specs.client_certificate import ClientCertificate
from services.common.specs.tls_options import TlsOptions
from services.worker.wire.own_trouble import OwnTrouble

_MOST_CONTEXTS = 256
# Each holds the authorities that it trusts once more: 0.8 MB, and 20 ms to make, where those are the public ones. One
# context for all, with another certificate loaded each time, will not do: it keeps the last one of each kind of key,
# and may show that to whoever asks for this kind.
_MOST_SHOWING = 128


class TlsContexts:
    """Contexts by what they verify and what they show; each offers HTTP/1.1.

    Args:
        public: verifies against the public authorities; by default those that httpx trusts.
    """

    def __init__(self, public: ssl.SSLContext | None = None) -> None:
        self._public = _prepared(public or httpx.create_ssl_context())
        self._trusting = _prepared(_trusting())
        self._by_authorities: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self._showing: OrderedDict[tuple[TlsOptions, ClientCertificate], ssl.SSLContext] = OrderedDict()

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

    def showing(self, options: TlsOptions, certificate: ClientCertificate) -> ssl.SSLContext:
        """The context for some options that shows a certificate to servers that ask for one.

        Raises:
            OwnTrouble: OpenSSL does not take the certificate, though it did when the check was saved.
        """
        key = options.elsewhere(), certificate
        context = self._showing.get(key)
        if context is None:
            context = _prepared(_like(options))
            try:
                certificate.load_into(context)
            except ssl.SSLError as error:
                raise OwnTrouble("the monitor cannot use the check's client certificate") from error
            self._showing[key] = context
        self._showing.move_to_end(key)
        if len(self._showing) > _MOST_SHOWING:
            self._showing.popitem(last=False)
        return context


def _like(options: TlsOptions) -> ssl.SSLContext:
    """A context of its own that verifies as some options say."""
    if options.skip_verify:
        return _trusting()
    if options.ca_certificates:
        return ssl.create_default_context(cadata=options.ca_certificates)
    return httpx.create_ssl_context()


def _prepared(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_alpn_protocols(["http/1.1"])
    return context


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
