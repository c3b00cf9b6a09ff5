"""A connection with TLS: a library between the socket and the protocol handler, without a second transport."""

import asyncio
import ssl
import time
from datetime import UTC, datetime

from services.checks.outcome import ErrorKind
from services.wire import certificate_fault
from services.wire.certificate import NAME_ONLY_IN_CN, facts_of
from services.wire.connection import Connection, ProtocolHandler
from services.wire.fast_tls import FINISHED_ALONE, FastConnection, FastTls, broken_off
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure, Undecided
from services.wire.watched_tls import OpenSsl, WatchedTls, alert_called

Engine = OpenSsl | FastTls
"""The libraries that verify a server: OpenSSL, whose verdict is final if watched, or the faster one, tried first."""

_1_3 = "1.3"
# The maximum size of a TLS record (RFC 8446 §5.1).
_LARGEST_RECORD = 16_384
# The maximum size of a server's handshake, mainly certificates, which cost time to verify. Long chains have 10 KB.
LARGEST_HANDSHAKE = 48 * 1024
# The record types with which a handshake may begin (RFC 8446 §5.1).
_RECORD_TYPES = range(20, 24)
_CLOSED = "server closed the connection during the TLS handshake"
_NO_TLS = "TLS handshake failed: server does not speak TLS on this port (plaintext response)"
_DEMANDED = "server requires a client certificate, and the check has none"
_NOT_ADMITTED = "server rejected the client certificate of the check"
# How long the faster library may wait for the server, besides a few round trips: some servers do not respond to a
# ClientHello as long as that library sends.
FAST_TIMEOUT_S = 0.5
_ROUND_TRIPS = 4
_LAST_WAIT_S = 0.02
# How long to wait for data of a server that may still refuse the client. Nearly all send a session ticket immediately.
ADMISSION_S = 1.0


class TlsConnection(Connection):
    """A connection that runs the TLS handshake first.

    If only a watched OpenSSL can decide, any other engine ends it with Undecided before the handler starts.

    Args:
        address: a literal address that may be dialled.
        port: the port to connect to.
        seen: receives the progress.
        handler: the protocol after the handshake.
        engine: the TLS library with its verification.
        server_name: the name to send and to verify.
    """

    __slots__ = (
        "_began_ns", "_completes", "_engine", "_fast", "_flight", "_handshake_bytes", "_incoming", "_is_admitted",
        "_outgoing", "_server_name", "_timer", "_tls",
    )  # fmt: skip

    def __init__(
        self, address: str, port: int, seen: Observation, handler: ProtocolHandler, engine: Engine, server_name: str
    ) -> None:
        super().__init__(address, port, seen, handler)
        self._engine = engine
        self._server_name = server_name
        self._fast: FastConnection | None = None
        self._flight = b""
        self._tls: WatchedTls | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._began_ns = 0
        self._handshake_bytes = 0
        self._is_admitted = False
        self._completes = False

    @property
    def protocol(self) -> str | None:
        """The negotiated protocol (ALPN); None if there is none."""
        if self._fast is not None:
            return self._fast.protocol()
        return self._tls.selected_alpn_protocol() if self._tls is not None else None

    def write(self, data: bytes) -> None:
        """Send bytes, encrypted."""
        if self._fast is not None:
            self._fast.write(data)
            self._send_fast(self._fast)
        elif self._tls is not None:
            self._tls.write(data)
            self._flush()

    def complete_when_admitted(self) -> None:
        """Complete the connection once the server has accepted the client.

        With TLS 1.2 the handshake shows whether a server that requests a client certificate accepts a client without
        one; with TLS 1.3 the server's first data after the handshake does (RFC 8446 §4.4.2.4).
        """
        if self._may_be_refused:
            self._completes = True
            self._timer = self._loop.call_later(ADMISSION_S, self.complete)
        else:
            self.complete()

    def close(self) -> None:
        """Close at once, in any state."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        super().close()

    @property
    def is_explained(self) -> bool:
        """Whether it need not be watched: the handshake succeeded, and the server can no longer refuse the client."""
        return self._seen.tls_us is not None and not self._may_be_refused

    @property
    def _is_final(self) -> bool:
        """Whether a failure is the verdict."""
        return isinstance(self._engine, OpenSsl) and self._engine.is_watched

    @property
    def is_secured(self) -> bool:
        """Whether a handshake has begun, so that no further data is sent in plaintext."""
        return self._tls is not None or self._fast is not None

    def _begin(self) -> None:
        self._secure()

    def _report_connected(self) -> None:
        # Otherwise it is reported once there is a verdict, because another connection may be needed.
        if self._is_final:
            self.report_connected()

    def _secure(self) -> None:
        """Begin the handshake."""
        self._began_ns = time.perf_counter_ns()
        self._seen.in_handshake = True
        if isinstance(self._engine, FastTls):
            patience_s = FAST_TIMEOUT_S + _ROUND_TRIPS * (self._seen.connect_us or 0) / 1e6
            self._timer = self._loop.call_later(patience_s, self._wait_once_more)
            self._fast = self._engine.connect(self._server_name)
            self._send(self._fast.to_send())
            return
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        try:
            self._tls = self._engine.wrap(self._incoming, self._outgoing, self._server_name)
        except ValueError as error:
            raise ProbeFailure(ErrorKind.TLS, "invalid server name (SNI)") from error
        self._do_handshake(self._tls)

    def _received(self, data: bytes) -> None:
        shakes_hands = self._seen.tls_us is None
        if shakes_hands:
            self._refuse_strange(data)
        if self._fast is not None:
            self._received_fast(self._fast, data)
            return
        if self._tls is None:
            return
        self._incoming.write(data)
        if shakes_hands and not self._do_handshake(self._tls):
            return
        self._read_records(self._tls)
        if not shakes_hands:
            self._is_admitted = True
            if self._completes:
                self.complete()

    def _refuse_strange(self, data: bytes) -> None:
        """Refuse data that is not a handshake, or too much of it."""
        if not self._handshake_bytes and data[0] not in _RECORD_TYPES:
            raise self._failure(_NO_TLS)
        self._handshake_bytes += len(data)
        if self._handshake_bytes > LARGEST_HANDSHAKE:
            raise self._failure(f"server sent more than {LARGEST_HANDSHAKE // 1024} KiB during the TLS handshake")

    def _failure(self, sentence: str) -> Exception:
        return ProbeFailure(ErrorKind.TLS, sentence) if self._is_final else Undecided()

    def _lost(self, error: Exception | None) -> None:
        if self._seen.tls_us is None:
            raise self._failure(self._refusal or _CLOSED) from error
        if self._may_be_refused and not self._is_admitted:
            raise self._failure(self._refusal) from error
        super()._lost(error)

    # OpenSSL

    def _do_handshake(self, tls: WatchedTls) -> bool:
        """Continue the handshake; return whether it is complete."""
        began_ns = time.thread_time_ns()
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError as error:
            self._flush()  # sends the alert with the reason to the server
            if not self._is_final:
                raise Undecided from error
            raise ProbeFailure(ErrorKind.TLS, self._sentence(tls, error)) from error
        finally:
            self._seen.cpu_ns += time.thread_time_ns() - began_ns
        version = (tls.version() or "").removeprefix("TLSv")
        if not self._is_final:
            # Unless it is watched, only the size of the last flight shows that the server has requested a certificate.
            if version == _1_3 and self._outgoing.pending not in FINISHED_ALONE:
                raise Undecided
            self.report_connected()
        certificate = tls.getpeercert(binary_form=True)
        if certificate is not None:
            facts = facts_of(certificate)
            self._seen.tls_not_after = facts.not_after
            # OpenSSL has accepted the certificate for the name, though.
            if not facts.has_dns_names and tls.context.check_hostname and not _is_address(self._server_name):
                self._seen.tls_warning = NAME_ONLY_IN_CN
        self._secured(version)
        self._flush()
        return True

    def _read_records(self, tls: WatchedTls) -> None:
        try:
            while not self.is_over:
                data = tls.read(_LARGEST_RECORD)
                if not data:
                    super()._lost(None)
                    return
                self._is_admitted = True
                self.handler.on_data(data)
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLZeroReturnError:
            super()._lost(None)
        except ssl.SSLError as error:
            if self._may_be_refused and not self._is_admitted and tls.alert is not None:
                raise ProbeFailure(ErrorKind.TLS, self._refusal) from error
            raise ProbeFailure(ErrorKind.TLS, broken_off(tls.alert_name or _alert_in(error))) from error

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._send(self._outgoing.read())

    @property
    def _may_be_refused(self) -> bool:
        """Whether the server has requested a client certificate, and may still refuse the client."""
        return self._tls is not None and self._tls.is_asked and self._seen.tls_version == _1_3

    @property
    def _refusal(self) -> str:
        """The meaning of a failure after the server has requested a client certificate; empty if it has not."""
        tls = self._tls
        if tls is None or not tls.is_asked:
            return ""
        if not tls.shows:
            return _DEMANDED
        return f"{_NOT_ADMITTED} ({tls.alert_name})" if tls.alert_name else _NOT_ADMITTED

    def _sentence(self, tls: WatchedTls, error: ssl.SSLError) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return certificate_fault.describe_fault(
                error.verify_code, error.verify_message, tls.certificates(), self._server_name, datetime.now(UTC)
            )
        if tls.alert is not None:
            return self._refusal or f"TLS handshake failed: server sent the alert {tls.alert_name}"
        return f"TLS handshake failed: {(error.reason or 'protocol error').lower().replace('_', ' ')}"

    # The faster library

    def _received_fast(self, fast: FastConnection, data: bytes) -> None:
        seen = self._seen
        if seen.tls_us is None:
            began_ns = time.thread_time_ns()
            try:
                is_over = fast.do_handshake(data)
                flight = fast.to_send()
                if is_over:
                    seen.tls_not_after = fast.verdict(len(flight))
            finally:
                seen.cpu_ns += time.thread_time_ns() - began_ns
            if not is_over:
                if flight:
                    self._send(flight)
                return
            self._flight = flight  # sent together with the first bytes of the handler
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self.report_connected()
            self._secured(_1_3)
            self._send_fast(fast)
            data = b""
            if not fast.needs_no_more:  # no data came with the end of the handshake
                return
        self._hear_fast(fast, data)

    def _hear_fast(self, fast: FastConnection, data: bytes) -> None:
        while not self.is_over:
            text, data = fast.read(data)
            if text:
                self.handler.on_data(text)
            elif not data:
                break
        if self.is_over:
            return
        self._send_fast(fast)
        if fast.needs_no_more:
            super()._lost(None)

    def _send_fast(self, fast: FastConnection) -> None:
        data = self._flight + fast.to_send()
        self._flight = b""
        if data:
            self._send(data)

    def _wait_once_more(self) -> None:
        # The event loop itself may be late, and received data not read yet.
        self._timer = self._loop.call_later(_LAST_WAIT_S, self._fail, Undecided())

    # Both

    def _secured(self, version: str) -> None:
        seen = self._seen
        seen.in_handshake = False
        seen.tls_us = (time.perf_counter_ns() - self._began_ns) // 1000
        seen.tls_version = version
        if seen.on_phase is not None:
            seen.on_phase("tls", seen.tls_us)
        self.handler.on_connected(self)


def _alert_in(error: ssl.SSLError) -> str:
    """Return the name of the alert in an error of OpenSSL; empty if there is none."""
    _, found, name = (error.reason or "").partition("_ALERT_")
    return alert_called(name) if found else ""


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()
