"""OpenSSL connections that record why a handshake failed, which ssl does not report."""

import ssl
from collections.abc import Callable
from typing import NamedTuple

_HANDSHAKE, _ALERT = 22, 21
_CERTIFICATE, _CERTIFICATE_REQUEST = 11, 13
_TLS_1_3 = 0x0304
_HEADER = 4
# Texts for alert descriptions (RFC 8446 §6, and those of RFC 5246 that are still in use).
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
    """Return the text of an alert from a library's name for it, such as UNKNOWN_CA or UnknownCA."""
    squeezed = name.replace("_", "").replace(" ", "").lower()
    return _BY_SQUEEZED_NAME.get(squeezed, name.replace("_", " ").lower())


class WatchedTls(ssl.SSLObject):
    """A TLS connection that records what explains its failure.

    Attributes:
        shows: whether a client certificate is presented on request.
        is_asked: whether the server has requested a client certificate.
        alert: the number of the server's fatal alert; None if there is none.
    """

    shows = False
    is_asked = False
    alert: int | None = None
    _message = b""
    _version = 0

    @property
    def alert_name(self) -> str:
        """The text of the fatal alert; empty if there is none."""
        return "" if self.alert is None else ALERTS.get(self.alert, f"number {self.alert}")

    def certificates(self) -> list[bytes]:
        """Return the certificates that the server sent, in DER, its own first, verified or not."""
        return certificates_in(self._message, is_1_3=self._version == _TLS_1_3)

    def heard(self, version: int, kind: int, data: bytes) -> None:
        """Record a handshake message of the server."""
        if kind == _CERTIFICATE:
            self._message, self._version = data, version
        elif kind == _CERTIFICATE_REQUEST:
            self.is_asked = True


class ShowingTls(WatchedTls):
    """A TLS connection that presents a client certificate."""

    shows = True


class OpenSsl(NamedTuple):
    """OpenSSL as the verifier of a server.

    Attributes:
        context: a context of TlsContexts.
        is_watched: whether failures are explained and count: without it, a handshake costs a tenth less, and a failed
            one is Undecided.
    """

    context: ssl.SSLContext
    is_watched: bool = True

    def wrap(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, server_name: str) -> WatchedTls:
        """Begin a connection.

        Raises:
            ValueError: the name is invalid in TLS.
        """
        context = self.context
        if not self.is_watched:
            _call_back(context, None)
        try:
            tls = context.wrap_bio(incoming, outgoing, server_hostname=server_name)
        finally:
            if not self.is_watched:
                _call_back(context, _on_message)  # watched connections read it from the context
        if not isinstance(tls, WatchedTls):
            raise TypeError("WatchedTls is created by a context of TlsContexts")
        return tls


def watch(context: ssl.SSLContext, kind: type[WatchedTls] = WatchedTls) -> None:
    """Make a context create connections of this class."""
    context.sslobject_class = kind
    _call_back(context, _on_message)


# Private, but in all versions of Python from 3.8 to 3.14: without it, messages about certificates lack names and dates,
# and a request for a client certificate is not detected. The setter of the base class of SSLContext is used, because
# the other one adds four look-ups of enumerations to each call.
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
    """Return the certificates in a Certificate message (RFC 8446 §4.4.2, RFC 5246 §7.4.2). Pure."""
    found = []
    at = _HEADER
    if is_1_3:
        at += 1 + int.from_bytes(message[at : at + 1], "big")  # the request context
    at += 3
    while at < len(message):
        end = at + 3 + int.from_bytes(message[at : at + 3], "big")
        found.append(message[at + 3 : end])
        at = end
        if is_1_3:
            at += 2 + int.from_bytes(message[at : at + 2], "big")  # the certificate's extensions
    return found
