"""What the server said in a handshake that failed: ssl tells only that it did."""

import ssl
from collections.abc import Callable
from typing import NamedTuple

_HANDSHAKE, _ALERT = 22, 21
_CERTIFICATE, _CERTIFICATE_REQUEST = 11, 13
_TLS_1_3 = 0x0304
_HEADER = 4
# Alert descriptions (RFC 8446 §6, and those of RFC 5246 that are still sent), as people read them.
ALERTS = {
    0: "close notify", 10: "unexpected message", 20: "bad record MAC", 22: "record overflow",
    30: "decompression failure", 40: "handshake failure", 42: "bad certificate", 43: "unsupported certificate",
    44: "certificate revoked", 45: "certificate expired", 46: "certificate unknown", 47: "illegal parameter",
    48: "unknown CA", 49: "access denied", 50: "decode error", 51: "decrypt error", 70: "protocol version",
    71: "insufficient security", 80: "internal error", 86: "inappropriate fallback", 90: "user canceled",
    100: "no renegotiation", 109: "missing extension", 110: "unsupported extension", 112: "unrecognized name",
    113: "bad certificate status response", 115: "unknown PSK identity", 116: "certificate required",
    120: "no application protocol",
}  # fmt: skip
_FATAL = b"\x02"


_BY_SQUEEZED_NAME = {name.replace(" ", "").lower(): name for name in ALERTS.values()}


def alert_called(name: str) -> str:
    """Return an alert as people read it, by the name that a library gives it: UNKNOWN_CA or UnknownCA."""
    squeezed = name.replace("_", "").replace(" ", "").lower()
    return _BY_SQUEEZED_NAME.get(squeezed, name.replace("_", " ").lower())


class WatchedTls(ssl.SSLObject):
    """A TLS connection that keeps what explains its failure.

    Attributes:
        shows: whether a client certificate is shown to a server that asks for one.
        is_asked: whether the server has asked for a client certificate.
        alert: the number of the fatal alert that the server has sent; None if it has sent none.
    """

    shows = False
    is_asked = False
    alert: int | None = None
    _message = b""
    _version = 0

    @property
    def alert_name(self) -> str:
        """The fatal alert in words; empty if the server has sent none."""
        return "" if self.alert is None else ALERTS.get(self.alert, f"number {self.alert}")

    def certificates(self) -> list[bytes]:
        """Return the certificates that the server has sent, in DER, its own first, verified or not."""
        return certificates_in(self._message, is_1_3=self._version == _TLS_1_3)

    def heard(self, version: int, kind: int, data: bytes) -> None:
        """Keep a handshake message of the server."""
        if kind == _CERTIFICATE:
            self._message, self._version = data, version
        elif kind == _CERTIFICATE_REQUEST:
            self.is_asked = True


class ShowingTls(WatchedTls):
    """One that shows a client certificate."""

    shows = True


class OpenSsl(NamedTuple):
    """OpenSSL as what verifies a server.

    Attributes:
        context: of TlsContexts.
        is_watched: whether a failure is explained and counts: without, a handshake costs a tenth less, and one that
            fails is Undecided.
    """

    context: ssl.SSLContext
    is_watched: bool = True

    def wrap(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, server_name: str) -> WatchedTls:
        """Begin a connection.

        Raises:
            ValueError: the name is none that TLS can ask for.
        """
        context = self.context
        if not self.is_watched:
            _call_back(context, None)
        try:
            tls = context.wrap_bio(incoming, outgoing, server_hostname=server_name)
        finally:
            if not self.is_watched:
                _call_back(context, _on_message)  # connections that are watched look for it at the context
        if not isinstance(tls, WatchedTls):
            raise TypeError("WatchedTls is created by a context of TlsContexts")
        return tls


def watch(context: ssl.SSLContext, kind: type[WatchedTls] = WatchedTls) -> None:
    """Let a context make connections of this kind."""
    context.sslobject_class = kind
    _call_back(context, _on_message)


# Private, though all versions of Python from 3.8 to 3.14 have it: without it, messages about certificates lack names
# and dates, and a server that asks for a client certificate is not known for one. The setter of the class below
# SSLContext is taken since the other wraps each call in four look-ups of enumerations.
_SETTER = getattr(ssl.SSLContext.__base__, "_msg_callback", None)


def _call_back(context: ssl.SSLContext, callback: Callable[..., None] | None) -> None:
    if _SETTER is not None:
        _SETTER.__set__(context, callback)


def _on_message(
    tls: WatchedTls | None, direction: str, version: int, content_type: int, kind: int, data: bytes
) -> None:
    if tls is None or direction != "read":
        return
    if content_type == _HANDSHAKE:
        tls.heard(version, kind, data)
    elif content_type == _ALERT and data[:1] == _FATAL:
        tls.alert = data[1]


def certificates_in(message: bytes, *, is_1_3: bool) -> list[bytes]:
    """Return the certificates of a Certificate message (RFC 8446 §4.4.2, RFC 5246 §7.4.2). Pure."""
    found = []
    at = _HEADER
    if is_1_3:
        at += 1 + int.from_bytes(message[at : at + 1], "big")  # the request's context
    at += 3
    while at < len(message):
        end = at + 3 + int.from_bytes(message[at : at + 3], "big")
        found.append(message[at + 3 : end])
        at = end
        if is_1_3:
            at += 2 + int.from_bytes(message[at : at + 2], "big")  # the certificate's extensions
    return found
