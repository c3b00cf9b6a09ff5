"""How servers are verified: one OpenSSL context for all that are verified and spoken to alike, kept and bounded."""

import ssl
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from services.checks.specs.client_certificate import ClientCertificate
from services.checks.specs.tls_options import TlsOptions
from services.platform.security.tls_context import context_trusting, public_context, unverified_context
from services.wire.fast_tls import IS_THERE, FastTls
from services.wire.observation import OffLoop
from services.wire.own_trouble import OwnTrouble
from services.wire.plain_chain import PlainAnchors
from services.wire.remembered import Remembered
from services.wire.watched_tls import ShowingTls, watch

HTTP = "http/1.1"
HTTP_2 = "h2"
ANY = ""
"""Whatever is spoken over the connection, the server is not asked for it: it might refuse what it does not know."""

_PROTOCOLS = (HTTP, HTTP_2, ANY)
_MOST_CONTEXTS = 256
# Each holds the authorities that it trusts once more: 0.8 MB, and 20 ms to make, where those are the public ones. One
# context for all, with another certificate loaded each time, will not do: it keeps the last one of each kind of key,
# and may show that to whoever asks for this kind.
_MOST_SHOWING = 128
# Below a check's own authorities there are few, and a tenant could make any number.
_MOST_CHAINS = 128


class TlsContexts:
    """Contexts by what they verify, and by the protocol that they ask for (ALPN): HTTP, HTTP_2 or ANY.

    Args:
        public: makes a context that verifies against the public authorities; by default public_context.
        fast: whether the faster library is tried first, where it is installed.

    Attributes:
        remembered: which library has to judge a server.
    """

    def __init__(self, public: Callable[[], ssl.SSLContext] = public_context, *, fast: bool = True) -> None:
        # Made now: to read all public authorities takes some milliseconds, which no probe should wait for.
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
        self.remembered = Remembered()

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
            context = _asking(context_trusting(pem), protocol)
            self._by_authorities[pem, protocol] = context
        self._by_authorities.move_to_end((pem, protocol))
        if len(self._by_authorities) > _MOST_CONTEXTS:
            self._by_authorities.popitem(last=False)
        return context

    def fast(self, options: TlsOptions, protocol: str) -> FastTls | None:
        """Return the faster library's part for some options and a protocol; None where OpenSSL alone judges."""
        if options.skip_verify or not self._tries_fast:
            return None
        if not options.ca_certificates:
            return self._public_fast.get(protocol)
        key = options.ca_certificates, protocol
        if key in self._fast:
            self._fast.move_to_end(key)
            return self._fast[key]
        # Where one of a check's own authorities is unusual, OpenSSL may end a chain there.
        anchors = _anchors(self.of(options, protocol))
        made = self._fast[key] = FastTls(anchors, protocol, _MOST_CHAINS) if anchors.are_all_plain else None
        if len(self._fast) > _MOST_CONTEXTS:
            self._fast.popitem(last=False)
        return made

    async def showing(
        self, options: TlsOptions, certificate: ClientCertificate, off_loop: OffLoop | None = None
    ) -> ssl.SSLContext:
        """Return the context for some options and HTTP that shows a certificate to servers that ask for one.

        Args:
            options: how the server is verified.
            certificate: what is shown.
            off_loop: makes a context that is not kept.

        Raises:
            OwnTrouble: OpenSSL does not take the certificate, though it did when the check was saved.
        """
        key = options.elsewhere(), certificate
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
            raise OwnTrouble("the monitor cannot use the check's client certificate") from error
        return context

    def _verifying(self, options: TlsOptions) -> ssl.SSLContext:
        """A context of its own that verifies as some options say."""
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
    """What a context trusts."""
    trusted = context.get_ca_certs(binary_form=True)
    # Certificates of servers are not among these.
    return PlainAnchors(trusted, others=context.cert_store_stats()["x509"] - len(trusted))
