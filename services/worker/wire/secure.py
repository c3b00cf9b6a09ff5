"""A link under TLS: OpenSSL between the socket and the talk, without a second transport for it."""

import ssl
import time
from datetime import datetime
from functools import lru_cache

from cryptography import x509

from services.common.outcome import ErrorKind
from services.worker.wire.link import Link, Talk
from services.worker.wire.observation import Observation
from services.worker.wire.probe_failure import ProbeFailure

# A TLS record holds no more (RFC 8446 §5.1).
_LARGEST_RECORD = 16_384
_MOST_CERTIFICATES = 1_024
# What a server may send in a handshake, above all its certificates: each costs time to verify. Long chains have 10 KB.
LARGEST_HANDSHAKE = 48 * 1024
_CLOSED = "the server closed the connection in the TLS handshake"
_NOT_VALID = "the certificate is not valid"
_STRANGER = "the certificate is not from an authority that is trusted"
_OTHER_NAME = "the certificate is for another name"
# OpenSSL's own numbers (x509_vfy.h).
_FAULTS = {
    2: _STRANGER,  # its issuer is not there
    9: "the certificate is not valid yet",
    10: "the certificate has expired",
    18: _STRANGER,  # it has signed itself
    19: _STRANGER,  # whoever signed it has signed itself
    20: _STRANGER,  # its issuer is not there, and is not among the authorities
    21: _STRANGER,  # it stands alone
    62: _OTHER_NAME,
    64: _OTHER_NAME,  # for another address
}


class SecureLink(Link):
    """Shakes hands first.

    Args:
        address: a literal one that may be dialled.
        port: where to connect.
        seen: told what is seen.
        talk: begins when the handshake is over.
        context: verifies the server, or does not.
        server_name: the name to ask for and to verify.
    """

    __slots__ = ("_began_ns", "_context", "_handshake_bytes", "_incoming", "_outgoing", "_server_name", "_tls")

    def __init__(
        self, address: str, port: int, seen: Observation, talk: Talk, context: ssl.SSLContext, server_name: str
    ) -> None:
        super().__init__(address, port, seen, talk)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._context = context
        self._server_name = server_name
        self._tls: ssl.SSLObject | None = None
        self._began_ns = 0
        self._handshake_bytes = 0

    @property
    def protocol(self) -> str | None:
        """The protocol that the handshake agreed on (ALPN); None if it did on none."""
        return self._tls.selected_alpn_protocol() if self._tls is not None else None

    def write(self, data: bytes) -> None:
        """Send, under TLS."""
        if self._tls is not None:
            self._tls.write(data)
            self._flush()

    @property
    def is_secured(self) -> bool:
        """Whether a handshake has begun: nothing goes over the connection in plain any more."""
        return self._tls is not None

    def _begin(self) -> None:
        self._secure()

    def _secure(self) -> None:
        """Begin the handshake."""
        self._began_ns = time.perf_counter_ns()
        self._seen.shakes_hands = True
        try:
            self._tls = self._context.wrap_bio(self._incoming, self._outgoing, server_hostname=self._server_name)
        except ValueError as error:
            raise ProbeFailure(ErrorKind.TLS, "the host's name is none that TLS can ask for") from error
        self._shake_hands(self._tls)

    def _received(self, data: bytes) -> None:
        if self._tls is None:
            return
        if self._seen.tls_us is None:
            self._handshake_bytes += len(data)
            if self._handshake_bytes > LARGEST_HANDSHAKE:
                raise ProbeFailure(
                    ErrorKind.TLS, f"the server sent more than {LARGEST_HANDSHAKE // 1024} KiB in the TLS handshake"
                )
        self._incoming.write(data)
        if self._seen.tls_us is None and not self._shake_hands(self._tls):
            return
        self._read_records(self._tls)

    def _lost(self, error: Exception | None) -> None:
        if self._seen.tls_us is None:
            raise ProbeFailure(ErrorKind.TLS, _CLOSED) from error
        super()._lost(error)

    def _shake_hands(self, tls: ssl.SSLObject) -> bool:
        """Go on with the handshake; answers whether it is over."""
        began_ns = time.thread_time_ns()
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError as error:
            self._flush()  # the alert that tells the server why
            raise ProbeFailure(ErrorKind.TLS, _sentence(error)) from error
        finally:
            self._seen.cpu_ns += time.thread_time_ns() - began_ns
        seen = self._seen
        now = time.perf_counter_ns()
        seen.shakes_hands = False
        seen.tls_us = (now - self._began_ns) // 1000
        seen.tls_version = (tls.version() or "").removeprefix("TLSv")
        certificate = tls.getpeercert(binary_form=True)
        if certificate is not None:
            seen.tls_not_after = not_after(certificate)
        if seen.on_phase is not None:
            seen.on_phase("tls", seen.tls_us)
        self.talk.begin(self)
        self._flush()
        return True

    def _read_records(self, tls: ssl.SSLObject) -> None:
        try:
            while not self.is_over:
                data = tls.read(_LARGEST_RECORD)
                if not data:
                    super()._lost(None)
                    return
                self.talk.hear(data)
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLZeroReturnError:
            super()._lost(None)
        except ssl.SSLError as error:
            raise ProbeFailure(ErrorKind.TLS, f"TLS broke off: {_reason(error)}") from error

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._send(self._outgoing.read())


@lru_cache(maxsize=_MOST_CERTIFICATES)
def not_after(certificate: bytes) -> datetime | None:
    """When a certificate (DER) expires; None when it cannot be read, which only an unverified one can be."""
    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc
    except (ValueError, x509.InvalidVersion):
        return None


def _sentence(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{_FAULTS.get(error.verify_code, _NOT_VALID)}: {error.verify_message}"
    return f"the TLS handshake failed: {_reason(error)}"


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or "protocol error").lower().replace("_", " ")
