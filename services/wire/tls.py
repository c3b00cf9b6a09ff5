"""TLS contexts of OpenSSL: one for each way to verify and each protocol, cached and bounded."""

import ssl
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from services.checks.specs.client_certificate import ClientCertificate
from services.checks.specs.tls_options import TlsOptions
from services.platform.security.tls_context import context_trusting, public_context, unverified_context
from services.wire.fast_tls import IS_THERE, FastTls
from services.wire.internal_error import InternalProbeError
from services.wire.observation import OffLoopRunner
from services.wire.plain_chain import PlainAnchors
from services.wire.tls_library_cache import TlsLibraryCache
from services.wire.watched_tls import ShowingTls, watch

HTTP = "http/1.1"
HTTP_2 = "h2"
ANY = ""
"""No protocol is requested: the server might refuse one that it does not know."""

_PROTOCOLS = (HTTP, HTTP_2, ANY)
_MOST_CONTEXTS = 256
# Each holds its trusted authorities once more: 0.8 MB, and 20 ms to create, for the public ones. One context for all,
# with another certificate loaded each time, is not possible: it keeps the last one of each type of key, and may present
# that to any server that requests this type.
_MOST_SHOWING = 128
# A check's own authorities have few chains, and a tenant could create any number.
_MOST_CHAINS = 128


class TlsContexts:
    """TLS contexts by options and requested protocol (ALPN): HTTP, HTTP_2 or ANY.

    Args:
        public: creates a context that verifies against the public authorities; by default public_context.
        fast: whether to try the faster library first, if it is installed.

    Attributes:
        libraries: the library that has to judge a server.
    """

    def __init__(self, public: Callable[[], ssl.SSLContext] = public_context, *, fast: bool = True) -> None:
        # Created now: parsing all public authorities takes some milliseconds, for which no probe should wait.
        self._public = {protocol: _asking(public(), protocol) for protocol in _PROTOCOLS}
        self._trusting = {protocol: _asking(unverified_context(), protocol) for protocol in _PROTOCOLS}
        self._by_authorities: OrderedDict[tuple[str, str], ssl.SSLContext] = OrderedDict()
        self._showing: OrderedDict[tuple[TlsOptions, ClientCertificate], ssl.SSLContext] = OrderedDict()
        self._make_public = public
        self._fast: OrderedDict[tuple[str, str], FastTls | None] = OrderedDict()
        self._public_fast: dict[str, FastTls] = {}
        self._tries_fast = fast and IS_THERE
        if self._tries_fast:
            anchors = _anchors(self._public[ANY])
            if anchors.plain:
                self._public_fast = {protocol: FastTls(anchors, protocol) for protocol in _PROTOCOLS}
        self.libraries = TlsLibraryCache()

    def of(self, options: TlsOptions, protocol: str = HTTP) -> ssl.SSLContext:
        """Return the context for TLS options and a protocol; the server name is not part of it."""
        if options.skip_verify:
            return self._trusting[protocol]
        pem = options.ca_certificates
        if not pem:
            return self._public[protocol]
        context = self._by_authorities.get((pem, protocol))
        if context is None:
            # Invalid certificates were refused when the check was saved.
            context = _asking(context_trusting(pem), protocol)
            self._by_authorities[pem, protocol] = context
        self._by_authorities.move_to_end((pem, protocol))
        if len(self._by_authorities) > _MOST_CONTEXTS:
            self._by_authorities.popitem(last=False)
        return context

    def fast(self, options: TlsOptions, protocol: str) -> FastTls | None:
        """Return the faster library's verifier for TLS options and a protocol; None if only OpenSSL may judge."""
        if options.skip_verify or not self._tries_fast:
            return None
        if not options.ca_certificates:
            return self._public_fast.get(protocol)
        key = options.ca_certificates, protocol
        if key in self._fast:
            self._fast.move_to_end(key)
            return self._fast[key]
        # If one of a check's own authorities is unusual, OpenSSL may end a chain there.
        anchors = _anchors(self.of(options, protocol))
        made = self._fast[key] = FastTls(anchors, protocol, _MOST_CHAINS) if anchors.are_all_plain else None
        if len(self._fast) > _MOST_CONTEXTS:
            self._fast.popitem(last=False)
        return made

    async def with_client_certificate(
        self, options: TlsOptions, certificate: ClientCertificate, off_loop: OffLoopRunner | None = None
    ) -> ssl.SSLContext:
        """Return the context for TLS options and HTTP that presents a client certificate on request.

        Args:
            options: the TLS options.
            certificate: the client certificate.
            off_loop: runs the creation of a context that is not cached.

        Raises:
            InternalProbeError: OpenSSL rejects the certificate, although it was valid when the check was saved.
        """
        key = options.without_server_name(), certificate
        context = self._showing.get(key)
        if context is None:
            make = partial(self._make_showing, options, certificate)
            context = make() if off_loop is None else await off_loop(make)
            self._showing[key] = context
        self._showing.move_to_end(key)
        if len(self._showing) > _MOST_SHOWING:
            self._showing.popitem(last=False)
        return context

    def _make_showing(self, options: TlsOptions, certificate: ClientCertificate) -> ssl.SSLContext:
        context = _asking(self._verifying(options), HTTP)
        watch(context, ShowingTls)
        try:
            certificate.load_into(context)
        except ssl.SSLError as error:
            raise InternalProbeError("the monitor cannot use the check's client certificate") from error
        return context

    def _verifying(self, options: TlsOptions) -> ssl.SSLContext:
        """Return a new context that verifies as TLS options require."""
        if options.skip_verify:
            return unverified_context()
        pem = options.ca_certificates
        return context_trusting(pem) if pem else self._make_public()


def _asking(context: ssl.SSLContext, protocol: str) -> ssl.SSLContext:
    if protocol:
        context.set_alpn_protocols([protocol])
    watch(context)
    return context


def _anchors(context: ssl.SSLContext) -> PlainAnchors:
    """Return the authorities that a context trusts."""
    trusted = context.get_ca_certs(binary_form=True)
    # Certificates of servers are not included.
    return PlainAnchors(trusted, others=context.cert_store_stats()["x509"] - len(trusted))
