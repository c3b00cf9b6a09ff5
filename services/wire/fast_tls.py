"""TLS by rustls instead of OpenSSL: a handshake costs half as much (docs/adr/0038).

It never decides alone: if rustls rejects a server, or accepts an unusual one, it raises Undecided, and OpenSSL verifies
the server over a new connection. The package `rtls` is optional; its extension module is used without the layers above
it, which copy each byte twice more and do not report when the server has closed the connection.
"""

import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from types import ModuleType
from typing import Any

from services.checks.outcome import ErrorKind
from services.platform import logs
from services.wire.internal_error import InternalProbeError
from services.wire.plain_chain import PlainAnchors, PlainChain
from services.wire.probe_failure import ProbeFailure, Undecided
from services.wire.watched_tls import alert_called

_log = logs.get("fast_tls")
_TLS_1_2, _TLS_1_3 = 0x0303, 0x0304
_LARGEST_READ = 16_384
FINISHED_ALONE = frozenset({58, 64, 74, 80})
"""The sizes in bytes of the end of a TLS 1.3 handshake by a client without a certificate request: a record with
Finished, of 32 or 48 bytes, optionally after a record of 6 bytes for old middleboxes (RFC 8446 §4.4.4, §5.2,
appendix D.4)."""
_BROKEN = "TLS connection failed: received data is not valid TLS, or was modified in transit"
MOST_CHAINS = 32_768


def _load() -> ModuleType | None:
    """Return the extension module; None without the package, or with an unsupported version of it."""
    try:
        from rtls import _rustls  # noqa: PLC0415 — optional
    except ImportError:
        return None
    if not hasattr(getattr(_rustls, "RustlsClientConnection", None), "read_plaintext"):
        _log.warning("unsupported version of rtls, using OpenSSL instead")
        return None
    return _rustls


_rustls = _load()
IS_THERE = _rustls is not None
"""Whether the package is installed."""


class FastTls:
    """A verifier of servers against given authorities.

    Args:
        anchors: the authorities.
        protocol: the protocol to request (ALPN); none if empty.
        most_chains: the size of the cache of verified chains.
    """

    def __init__(self, anchors: PlainAnchors, protocol: str, most_chains: int = MOST_CHAINS) -> None:
        if _rustls is None:
            raise RuntimeError("rtls is not installed")
        self._anchors = anchors
        self._most_chains = most_chains
        self._builder = _rustls.RustlsConfigBuilder()
        self._builder.set_verify_mode(2)
        self._builder.set_check_hostname(True)
        # OpenSSL handles servers with TLS 1.2, because they may renegotiate. TLS 1.2 is offered all the same, because
        # some of them do not respond to a client without it.
        self._builder.set_min_version(_TLS_1_2)
        for each in anchors.plain:
            self._builder.add_root_cert_from_der(each)
        if protocol:
            self._builder.set_alpn([protocol.encode()])
        # It parses the authorities with the first connection, for which no probe should wait.
        self._builder.build_client_connection("localhost")
        self._chains: OrderedDict[int, PlainChain | None] = OrderedDict()

    def connect(self, server_name: str) -> "FastConnection":
        """Begin a handshake.

        Raises:
            Undecided: rustls rejects the name.
        """
        try:
            return FastConnection(self, self._builder.build_client_connection(server_name), server_name)
        except Exception as error:
            raise Undecided from error

    def not_after(self, sent: Sequence[bytes], server_name: str) -> datetime:
        """Return when a server's certificate expires.

        Raises:
            Undecided: OpenSSL might judge the chain differently.
        """
        # The whole chain as a key would be kept in memory.
        key = hash((*sent, server_name))
        if key in self._chains:
            chain = self._chains[key]
            self._chains.move_to_end(key)
        else:
            chain = self._chains[key] = self._anchors.chain_of(sent, server_name)
            if len(self._chains) > self._most_chains:
                self._chains.popitem(last=False)
        if chain is None or not chain.valid_from <= time.time() <= chain.valid_until:
            raise Undecided
        return chain.not_after


class FastConnection:
    """One connection with rustls, without a socket.

    Args:
        tls: the verifier of the server.
        connection: the state machine of rustls.
        server_name: the name that the certificate must have.
    """

    __slots__ = ("_connection", "_flight", "_server_name", "_tls")

    def __init__(self, tls: FastTls, connection: Any, server_name: str) -> None:  # noqa: ANN401 — an optional package's
        self._tls = tls
        self._connection = connection
        self._server_name = server_name
        self._flight = 0

    def do_handshake(self, data: bytes) -> bool:
        """Continue the TLS 1.3 handshake; return whether it is complete.

        Raises:
            Undecided: OpenSSL has to judge.
        """
        connection = self._connection
        try:
            _read_all(connection, data)
            if connection.is_handshaking():
                return False
        except BaseException as error:  # rustls' panics are not an Exception
            raise _undecided(error) from error
        return True

    def verdict(self, flight: int) -> datetime:
        """Return when the certificate expires, after the handshake.

        Args:
            flight: the size in bytes of what is sent to end the handshake.

        Raises:
            Undecided: OpenSSL might judge differently.
        """
        if self._connection.protocol_version() != _TLS_1_3 or flight not in FINISHED_ALONE:
            raise Undecided
        return self._tls.not_after(self._connection.peer_certificates() or (), self._server_name)

    def to_send(self) -> bytes:
        """Return the bytes to send; empty for none."""
        connection = self._connection
        data: bytes = connection.write_tls()
        while connection.wants_write():
            more = connection.write_tls()
            if not more:
                break
            data += more
        return data

    def protocol(self) -> str | None:
        """Return the negotiated protocol (ALPN); None if there is none."""
        agreed = self._connection.alpn_protocol()
        return None if agreed is None else agreed.decode("ascii", "replace")

    def write(self, data: bytes) -> None:
        """Encrypt bytes; `to_send` returns the result."""
        while data:
            data = data[self._connection.write_plaintext(data) :]

    def read(self, data: bytes) -> tuple[bytes, bytes]:
        """Decrypt some of the received bytes; return the plaintext and the rest; if both are empty, all is read.

        Each call consumes at least a byte, returns plaintext, or drops the rest: after the server has ended TLS,
        nothing is consumed. `decrypt_incoming`, which does all in one call, is not guaranteed to return.

        Raises:
            ProbeFailure: TLS: the data is not TLS, was modified, or is an alert.
            InternalProbeError: rustls itself failed.
        """
        connection = self._connection
        try:
            taken = connection.read_tls(data) if data else 0
            if taken:
                connection.process_new_packets()
            text = connection.read_plaintext(_LARGEST_READ)
            return text, data[taken:] if taken or text else b""
        except Exception as error:
            raise ProbeFailure(ErrorKind.TLS, broken_off(_alert_in(error))) from error
        except BaseException as error:  # rustls' panics are not an Exception
            if isinstance(error, KeyboardInterrupt | SystemExit):
                raise
            raise InternalProbeError("internal error of the monitor's TLS library") from error

    @property
    def needs_no_more(self) -> bool:
        """Whether decrypted data is unread; or, once all is read, whether the server sends no more."""
        return not self._connection.wants_read()


def _read_all(connection: Any, data: bytes) -> None:  # noqa: ANN401 — an optional package's
    taken = connection.read_tls(data) if data else 0
    connection.process_new_packets()
    while taken < len(data):
        more = connection.read_tls(data[taken:])
        if not more:
            break
        taken += more
        connection.process_new_packets()


def broken_off(alert: str) -> str:
    """Return the error of a connection on which reading failed; `alert` is the server's fatal alert, if any."""
    return f"TLS connection failed: server sent the alert {alert}" if alert else _BROKEN


def _alert_in(error: Exception) -> str:
    """Return the name of the fatal alert in an error of rustls; empty for another error."""
    _, found, name = str(error).partition("received fatal alert: ")
    return alert_called(name) if found else ""


def _undecided(error: BaseException) -> BaseException:
    return error if isinstance(error, KeyboardInterrupt | SystemExit) else Undecided()
