"""Servers under TLS as they are met: the certificate, the protocol, and what a check of each must say."""

import asyncio
import contextlib
import socket
import ssl
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.checks.outcome import ErrorKind, Outcome
from services.checks.specs.client_certificate import ClientCertificate
from services.wire.tls_library_cache import TlsLibrary
from tests.support.certificates import (
    CLIENT_AUTH,
    MIDDLE,
    ROOT,
    SERVER,
    SERVER_AUTH,
    UNKNOWN,
    Form,
    Key,
    Signed,
    by_sha_1,
    issue,
    of_version_1,
    serving,
)
from tests.support.targets import OK, Handler, reset, target

EXPIRED, NOT_YET = "certificate has expired: ", "certificate is not yet valid: "
STRANGER = "certificate signed by an unknown authority: "
OTHER_NAME = "certificate host name mismatch: "
NOT_VALID = "certificate is not valid: "
_PATIENCE_S = 30.0
DEMANDED = "server requires a client certificate, and the check has none"
FAILED = "TLS handshake failed: "


@dataclass(frozen=True, kw_only=True)
class Met:
    """A server, and the check of it.

    Attributes:
        tls: how it speaks TLS; None for what the handler does in plain.
        handler: what it does.
        trusted: PEM of what the check trusts.
        host: the host of the check.
        name: the name that the check asks for instead; the host's when empty.
        shown: the client certificate of the check.
        is_verified: whether the check verifies the server.
        kind: what the check ends as; None for UP.
        says: how its message begins.
        warns: whether a warning comes with it.
        is_tried: whether rustls is tried.
        by_fast: whether its verdict then is the last word.
        asks: whether the server asks for a client certificate under TLS 1.3.
    """

    tls: ssl.SSLContext | None = None
    handler: Handler | None = None
    trusted: str = ""
    host: str = "localhost"
    name: str = ""
    shown: ClientCertificate | None = None
    is_verified: bool = True
    kind: ErrorKind | None = None
    says: str = ""
    warns: bool = False
    is_tried: bool = True
    by_fast: bool = False
    asks: bool = False

    @property
    def judge(self) -> TlsLibrary:
        """Who is asked first from the second run on, where rustls is installed."""
        if self.shown is not None or self.by_fast:
            return TlsLibrary.FASTEST
        if self.kind is not None or self.asks:
            return TlsLibrary.WATCHED
        return TlsLibrary.OPENSSL if self.is_tried and self.is_verified else TlsLibrary.FASTEST

    @property
    def verdict(self) -> tuple[Outcome, ErrorKind | None]:
        """What the check ends as."""
        return (Outcome.UP if self.kind is None else Outcome.DOWN), self.kind

    def served(self) -> AbstractAsyncContextManager[int]:
        """Serve; answers the port."""
        if self.handler is not None:
            return target(self.handler, self.tls)
        if self.tls is None:
            raise ValueError("a server without TLS has to say what it does")
        return _in_thread(self.tls)


@asynccontextmanager
async def _in_thread(tls: ssl.SSLContext) -> AsyncIterator[int]:
    """A server that answers 200 to one client after the other; asyncio's sends no alert when a handshake fails."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_answer_all, args=(listening, tls))
        thread.start()
        port = listening.getsockname()[1]
        try:
            yield port
        finally:
            socket.create_connection(("127.0.0.1", port)).close()  # it may wait for a client
            listening.shutdown(socket.SHUT_RDWR)
            await asyncio.to_thread(thread.join)


def _answer_all(listening: socket.socket, tls: ssl.SSLContext) -> None:
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return  # it is over
        client.settimeout(_PATIENCE_S)
        with client, contextlib.suppress(OSError):
            secure = tls.wrap_socket(client, server_side=True)
            with secure:
                if secure.recv(65_536):
                    secure.sendall(OK)
                    secure.recv(1)


class Authorities:
    """A root, an authority below it, and a folder to write in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = issue(ROOT)
        self.middle = issue(MIDDLE, self.root)

    def server(self, own: Signed, *above: Signed, weak: bool = False, ciphers: str = "") -> ssl.SSLContext:
        """A server's context that sends certificates."""
        return serving(self.folder, own, *above, weak=weak, ciphers=ciphers)

    def good(self) -> ssl.SSLContext:
        """A server in which nothing is unusual."""
        return self.server(issue(SERVER, self.root))

    def client(self, issuer: Signed | None = None, days: tuple[float, float] = (-30, 60)) -> ClientCertificate:
        """A certificate to show."""
        made = issue(Form(subject="Monitor", names=None, purposes=(CLIENT_AUTH,), days=days), issuer or self.root)
        return ClientCertificate(made.pem, _private(made))


def _private(signed: Signed) -> str:
    return signed.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


Make = Callable[[Authorities], Met]
_TLS = ErrorKind.TLS


def _direct(
    form: Form = SERVER, own: Callable[[], Key] | None = None, *, weak: bool = False, ciphers: str = "", **met: Any
) -> Make:
    """A certificate below the root, which the check trusts."""

    def make(of: Authorities) -> Met:
        tls = of.server(issue(form, of.root, own and own()), weak=weak, ciphers=ciphers)
        return Met(**{"tls": tls, "trusted": of.root.pem, **met})

    return make


def _good(form: Form = SERVER, **met: Any) -> Make:
    return _direct(form, by_fast=True, **met)


def _refused(says: str, form: Form, **met: Any) -> Make:
    return _direct(form, kind=_TLS, says=says, **met)


def _below(root: Form, middle: Form, server: Form = SERVER, *, sends_root: bool = False, **met: Any) -> Make:
    """A certificate below an authority below a root."""

    def make(of: Authorities) -> Met:
        top = issue(root)
        between = issue(middle, top)
        sent = [between, top] if sends_root else [between]
        tls = of.server(issue(server, between), *sent)
        return Met(**{"tls": tls, "trusted": top.pem, **met})

    return make


def _speaking(change: Callable[[ssl.SSLContext], None], **met: Any) -> Make:
    """A good certificate on a server that speaks TLS in its own way."""

    def make(of: Authorities) -> Met:
        tls = of.good()
        change(tls)
        return Met(**{"tls": tls, "trusted": of.root.pem, **met})

    return make


def _only(version: str) -> Callable[[ssl.SSLContext], None]:
    def change(context: ssl.SSLContext) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]

    return change


def _ciphers(names: str) -> Callable[[ssl.SSLContext], None]:
    def change(context: ssl.SSLContext) -> None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(names)

    return change


def _refusing_names(context: ssl.SSLContext) -> None:
    context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def _asking(
    mode: ssl.VerifyMode, version: ssl.TLSVersion, show: Callable[[Authorities], ClientCertificate] | None = None,
    *, tickets: bool = True, **met: Any,
) -> Make:  # fmt: skip
    """A server that asks for a client certificate of the root."""

    def make(of: Authorities) -> Met:
        tls = of.good()
        tls.load_verify_locations(cadata=of.root.pem)
        tls.verify_mode = mode
        tls.maximum_version = version
        if not tickets:
            tls.num_tickets = 0
        shown = show(of) if show else None
        return Met(**{"tls": tls, "trusted": of.root.pem, "shown": shown, **met})

    return make


def _in_plain(handler: Handler, kind: ErrorKind = _TLS, says: str = "") -> Make:
    return lambda of: Met(handler=handler, trusted=of.root.pem, kind=kind, says=says)


def answering(data: bytes, *, closes: bool = False, resets: bool = False) -> Handler:
    """Answers the client's hello with some bytes, then closes, or breaks off, or says no more."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(5)
        writer.write(data)
        await writer.drain()
        if resets:
            reset(writer)
        elif closes:
            # The rest of the hello has to be read: unread, it would turn the end into a reset.
            await reader.read(65_536)
            writer.close()
        else:
            await reader.read()
            await asyncio.Event().wait()

    return handler


async def says_bye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers without a length, ends TLS, and keeps the connection below it open."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\nok")
    await writer.drain()
    tls = writer.get_extra_info("ssl_object")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.unwrap()
    # What ends TLS is in its buffer; closing the transport would send it, and end the connection too.
    protocol = writer.transport._ssl_protocol  # type: ignore[attr-defined] # asyncio's own
    protocol._process_outgoing()
    await asyncio.Event().wait()


def _missing(of: Authorities) -> Met:
    tls = of.server(issue(SERVER, of.middle))
    return Met(
        tls=tls, trusted=of.root.pem, kind=_TLS, says=f"{STRANGER}CN=Test Middle, the issuer of CN=localhost, is"
    )


def _self_signed(of: Authorities) -> Met:
    own = issue(SERVER)
    return Met(tls=of.server(own), trusted=of.root.pem, kind=_TLS, says=f"{STRANGER}CN=localhost is self-signed")


def _strange_root(of: Authorities) -> Met:
    other = issue(replace(ROOT, subject="Other Root"))
    tls = of.server(issue(SERVER, other), other)
    return Met(tls=tls, trusted=of.root.pem, kind=_TLS, says=f"{STRANGER}the chain ends at CN=Other Root, which is")


def _trusting(which: str) -> Make:
    def make(of: Authorities) -> Met:
        own = issue(SERVER, of.middle)
        trusted = {"root": of.root, "middle": of.middle, "leaf": own}[which]
        is_root = which == "root"
        return Met(tls=of.server(own, of.middle), trusted=trusted.pem, is_tried=is_root, by_fast=is_root)

    return make


def _trusting_self_signed(of: Authorities) -> Met:
    own = issue(SERVER)
    return Met(tls=of.server(own), trusted=own.pem, is_tried=False)


def _v1(of: Authorities) -> Met:
    own = of_version_1(issue(SERVER, of.root), of.root)
    return Met(tls=of.server(own), trusted=of.root.pem, warns=True)


def _v1_root(of: Authorities) -> Met:
    root = issue(ROOT)
    old = of_version_1(root, root)
    return Met(tls=of.server(issue(SERVER, root)), trusted=old.pem, is_tried=False)


def _sha_1(of: Authorities) -> Met:
    own = by_sha_1(issue(SERVER, of.root), of.root)
    says = f"{NOT_VALID}CA signature digest algorithm too weak (certificate of CN=localhost, signed with SHA1)"
    return Met(tls=of.server(own, weak=True), trusted=of.root.pem, kind=_TLS, says=says)


def _long_chain(of: Authorities) -> Met:
    above = [of.root]
    for number in range(8):
        above.insert(0, issue(replace(MIDDLE, subject=f"Test Middle {number}"), above[0]))
    return Met(tls=of.server(issue(SERVER, above[0]), *above[:-1]), trusted=of.root.pem)


def _short_chain(of: Authorities) -> Met:
    above = [of.root]
    for number in range(3):
        above.insert(0, issue(replace(MIDDLE, subject=f"Test Middle {number}"), above[0]))
    return Met(tls=of.server(issue(SERVER, above[0]), *above[:-1]), trusted=of.root.pem, by_fast=True)


def _unrelated(of: Authorities) -> Met:
    stranger = issue(replace(SERVER, subject="unrelated", days=(-30, -3)))
    return Met(tls=of.server(issue(SERVER, of.middle), stranger, of.middle), trusted=of.root.pem)


def _two_roots(of: Authorities) -> Met:
    namesake = issue(ROOT)
    return Met(tls=of.good(), trusted=namesake.pem + of.root.pem, is_tried=False)


def _wrong_identifier(of: Authorities) -> Met:
    impostor = issue(ROOT)  # of the same name: its key is in the identifier of what it has issued
    own = issue(replace(SERVER, linked=False, extensions=(_identifier(impostor),)), of.root)
    return Met(
        tls=of.server(own),
        trusted=of.root.pem,
        kind=_TLS,
        says=f"{STRANGER}CN=Test Root, the issuer of CN=localhost, is",
    )


def _identifier(of: Signed) -> tuple[x509.ExtensionType, bool]:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(of.key.public_key()), False


def _constrained(name: str) -> Form:
    return replace(MIDDLE, extensions=((x509.NameConstraints([x509.DNSName(name)], None), True),))


def _unverified(of: Authorities) -> Met:
    return Met(tls=of.server(issue(replace(SERVER, names=("other.test",), days=(-30, 1)))), is_verified=False)


_1_2, _1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
_REQUIRED, _OPTIONAL = ssl.CERT_REQUIRED, ssl.CERT_OPTIONAL


def _of_stranger(of: Authorities) -> ClientCertificate:
    return of.client(issue(replace(ROOT, subject="Other Root")))


def _names(*names: str, subject: str = "x") -> Form:
    return replace(SERVER, names=names, subject=subject)


SERVERS: dict[str, Make] = {
    # What both libraries take.
    "good": _good(),
    "good, RSA 2048": _good(own=lambda: rsa.generate_private_key(65_537, 2_048)),
    "good, P-384": _good(own=lambda: ec.generate_private_key(ec.SECP384R1())),
    "good, Ed25519": _good(own=ed25519.Ed25519PrivateKey.generate),
    "no key identifiers": _below(replace(ROOT, linked=False), replace(MIDDLE, linked=False),
                                 replace(SERVER, linked=False), by_fast=True),
    "no extended key usage": _good(replace(SERVER, purposes=())),
    "key usage for signatures": _good(replace(SERVER, usage=frozenset({"digital_signature"}))),
    "no basic constraints": _good(replace(SERVER, authority=None)),
    "no subject": _good(replace(SERVER, subject="")),
    "an authority between": _below(ROOT, MIDDLE, by_fast=True),
    "the root sent too": _below(ROOT, MIDDLE, sends_root=True, by_fast=True),
    "path length that suffices": _below(replace(ROOT, path_length=1), replace(MIDDLE, path_length=0), by_fast=True),
    "a chain of three": _short_chain,
    "a group that takes one more way": _speaking(lambda context: context.set_ecdh_curve("prime256v1"), by_fast=True),
    "a name among many": _good(_names(*(f"{number}.test" for number in range(20)), "localhost")),
    "a name in capitals": _good(_names("LOCALHOST")),
    "a wildcard": _good(_names("*.shop.test"), name="a.shop.test"),
    "an address": _good(_names("127.0.0.1"), host="127.0.0.1"),
    "trusted: the root": _trusting("root"),
    # What OpenSSL alone takes.
    "trusted: the authority between": _trusting("middle"),
    "trusted: the server's own": _trusting("leaf"),
    "trusted: self-signed": _trusting_self_signed,
    "trusted: two roots of one name": _two_roots,
    "X.509 v1": _v1,
    "a root of X.509 v1": _v1_root,
    "name only in CN": _direct(replace(SERVER, names=None), warns=True),
    "name only in CN, beside an address": _direct(replace(SERVER, names=("192.0.2.1",)), warns=True),
    "name only in CN, beside a mail address": _direct(replace(SERVER, names=("a@shop.test",)), warns=True),
    "an authority as a server": _direct(replace(SERVER, authority=True)),
    "a chain of eight": _long_chain,
    "an unrelated certificate sent too": _unrelated,
    "names constrained to it": _below(ROOT, _constrained("localhost")),
    "P-521": _direct(own=lambda: ec.generate_private_key(ec.SECP521R1()), by_fast=True),
    "TLS 1.2": _speaking(_only("TLSv1_2")),
    "static RSA": _direct(own=lambda: rsa.generate_private_key(65_537, 2_048), ciphers="AES128-SHA"),
    "CBC": _speaking(_ciphers("ECDHE-ECDSA-AES128-SHA")),
    "a curve that is rare": _speaking(lambda context: context.set_ecdh_curve("secp521r1")),
    "a client certificate that is optional, TLS 1.2": _asking(_OPTIONAL, _1_2),
    "a client certificate that is optional, TLS 1.3": _asking(_OPTIONAL, _1_3, asks=True),
    "a client certificate that is optional, without tickets": _asking(_OPTIONAL, _1_3, tickets=False, asks=True),
    "a client certificate that is shown, TLS 1.2": _asking(_REQUIRED, _1_2, Authorities.client),
    "a client certificate that is shown, TLS 1.3": _asking(_REQUIRED, _1_3, Authorities.client),
    "another protocol by ALPN": _speaking(lambda context: context.set_alpn_protocols(["h2"]), by_fast=True),
    "an end of TLS, but not of the connection": lambda of: Met(
        tls=of.good(), handler=says_bye, trusted=of.root.pem, by_fast=True
    ),
    "not verified": _unverified,
    # What neither takes.
    "expired": _refused(f"{EXPIRED}CN=localhost was valid until 20", replace(SERVER, days=(-30, -1))),
    "not valid yet": _refused(f"{NOT_YET}CN=localhost is valid from 20", replace(SERVER, days=(1, 60))),
    "an expired authority between": _below(
        ROOT, replace(MIDDLE, days=(-30, -1)), kind=_TLS,
        says=f"{EXPIRED}issuing authority CN=Test Middle was valid until 20",
    ),
    "an expired root": _below(
        replace(ROOT, days=(-30, -1)),
        MIDDLE,
        kind=_TLS,
        says=f"{EXPIRED}certificate of the trusted authority CN=Test Root",
    ),
    "another name": _refused(
        f"{OTHER_NAME}expected localhost, certificate has a.test, b.test", _names("a.test", "b.test")
    ),
    "another name, of many": _refused(
        f"{OTHER_NAME}expected localhost, certificate has 0.test, 1.test, 2.test, 3.test and 6 more",
        _names(*(f"{number}.test" for number in range(10))),
    ),
    "another name in CN": _refused(
        f"{OTHER_NAME}expected localhost, certificate has no subject alternative name, only CN=x",
        replace(SERVER, names=None, subject="x"),
    ),
    "a wildcard two levels up": _refused(
        f"{OTHER_NAME}expected a.b.shop.test, certificate has *.shop.test", _names("*.shop.test"), name="a.b.shop.test"
    ),
    "a wildcard for the name itself": _refused(
        f"{OTHER_NAME}expected shop.test, certificate has *.shop.test", _names("*.shop.test"), name="shop.test"
    ),
    "a wildcard in a part": _refused(OTHER_NAME, _names("a*.shop.test"), name="ab.shop.test"),
    "a wildcard for a whole top level": _refused(OTHER_NAME, _names("*.test"), name="shop.test"),
    "another address": _refused(
        f"{OTHER_NAME}expected 127.0.0.1, certificate has 192.0.2.1", _names("192.0.2.1"), host="127.0.0.1"
    ),
    "an address as a DNS name": _refused(OTHER_NAME, _names("127.0.0.1.test"), host="127.0.0.1"),
    "an address in CN only": _refused(
        OTHER_NAME, replace(SERVER, names=None, subject="127.0.0.1"), host="127.0.0.1"
    ),
    "self-signed": _self_signed,
    "a root that is not trusted": _strange_root,
    "no authority between": _missing,
    "a key identifier of another": _wrong_identifier,
    "RSA 1024": _refused(
        f"{NOT_VALID}EE certificate key too weak (certificate of CN=localhost, RSA with 1024 bits)",
        SERVER, own=lambda: rsa.generate_private_key(65_537, 1_024), weak=True,  # noqa: S505 — too weak is the point
    ),
    "SHA-1": _sha_1,
    "for clients only": _refused(NOT_VALID, replace(SERVER, purposes=(CLIENT_AUTH,))),
    "for clients and servers": _good(replace(SERVER, purposes=(CLIENT_AUTH, SERVER_AUTH))),
    "key usage without signatures": _refused(NOT_VALID, replace(SERVER, usage=frozenset({"crl_sign"}))),
    "an authority that may not issue": _below(
        ROOT, replace(MIDDLE, usage=frozenset({"digital_signature"})), kind=_TLS, says="certificate is not "
    ),
    "an authority that is none": _below(ROOT, replace(MIDDLE, authority=False), kind=_TLS, says="certificate is"),
    "a root that may not issue": _below(
        replace(ROOT, usage=frozenset({"digital_signature"})), MIDDLE, kind=_TLS, says="certificate is not ",
        is_tried=False,
    ),
    "path length that does not suffice": _below(replace(ROOT, path_length=0), MIDDLE, kind=_TLS, says=NOT_VALID),
    "names constrained to others": _below(ROOT, _constrained("other.test"), kind=_TLS, says=NOT_VALID),
    "an unknown extension that is critical": _refused(NOT_VALID, replace(SERVER, extensions=((UNKNOWN, True),))),
    "an unknown extension": _good(replace(SERVER, extensions=((UNKNOWN, False),))),
    "TLS 1.0": _speaking(_only("TLSv1"), kind=_TLS, says=FAILED),
    "TLS 1.1": _speaking(_only("TLSv1_1"), kind=_TLS, says=FAILED),
    "a name that the server does not know": _speaking(
        _refusing_names, kind=_TLS, says=f"{FAILED}server sent the alert unrecognized name"
    ),
    "a client certificate demanded, TLS 1.2": _asking(_REQUIRED, _1_2, kind=_TLS, says=DEMANDED),
    "a client certificate demanded, TLS 1.3": _asking(_REQUIRED, _1_3, kind=_TLS, says=DEMANDED),
    "a client certificate of a stranger, TLS 1.2": _asking(
        _REQUIRED, _1_2, _of_stranger, kind=_TLS,
        says="server rejected the client certificate of the check (unknown CA)",
    ),
    "a client certificate of a stranger, TLS 1.3": _asking(
        _REQUIRED, _1_3, _of_stranger, kind=_TLS,
        says="server rejected the client certificate of the check (unknown CA)",
    ),
    "HTTP in plain": _in_plain(
        answering(b"HTTP/1.1 400 Bad Request\r\n\r\n"), says=f"{FAILED}server does not speak TLS on this port"
    ),
    "a greeting of SMTP": _in_plain(
        answering(b"220 mail.test\r\n"), says=f"{FAILED}server does not speak TLS on this port"
    ),
    "an alert": _in_plain(
        answering(b"\x15\x03\x03\x00\x02\x02\x28"), says=f"{FAILED}server sent the alert handshake failure"
    ),
    "an end": _in_plain(answering(b"", closes=True), says="server closed the connection during the TLS handshake"),
    "an end in the middle": _in_plain(
        answering(b"\x16\x03\x03\x40\x00half", closes=True),
        says="server closed the connection during the TLS handshake",
    ),
    "a reset": _in_plain(answering(b"", resets=True), says="server closed the connection during the TLS handshake"),
    "silence": _in_plain(answering(b""), ErrorKind.TIMEOUT, "timed out after 0.5 s during the TLS handshake"),
    "silence in the middle": _in_plain(
        answering(b"\x16\x03\x03\x40\x00half"), ErrorKind.TIMEOUT, "timed out after 0.5 s during the TLS handshake"
    ),
}  # fmt: skip
"""By what is special about them."""
