"""A connection for STARTTLS: plaintext at first, secured after a dialogue."""

from services.checks.outcome import ErrorKind
from services.wire.connection import ProtocolHandler
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.wire.start_tls import Dialogue
from services.wire.tls_connection import TlsConnection
from services.wire.watched_tls import OpenSsl

LARGEST_PLAINTEXT = 16 * 1024


class StartTlsConnection(TlsConnection):
    """A connection that runs a plaintext dialogue, then the handshake; its handler starts after that.

    Args:
        address: a literal address that may be dialled.
        port: the port to connect to.
        seen: receives the progress.
        handler: the protocol after the handshake; it receives nothing of the dialogue.
        engine: the TLS library with its verification.
        server_name: the name to send and to verify.
        dialogue: the plaintext dialogue.
    """

    __slots__ = ("_dialogue", "_room", "_unread")

    def __init__(
        self,
        address: str,
        port: int,
        seen: Observation,
        handler: ProtocolHandler,
        engine: OpenSsl,
        server_name: str,
        *,
        dialogue: Dialogue,
    ) -> None:
        super().__init__(address, port, seen, handler, engine, server_name)
        self._dialogue = dialogue
        self._unread = bytearray()
        self._room = LARGEST_PLAINTEXT

    def _begin(self) -> None:
        self._say(next(self._dialogue))

    def _received(self, data: bytes) -> None:
        if self.is_secured:
            super()._received(data)
        else:
            self._heard(data)

    def _lost(self, error: Exception | None) -> None:
        if self.is_secured:
            super()._lost(error)
        else:
            raise ProbeFailure(
                ErrorKind.PROTOCOL, "server closed the connection before STARTTLS was complete"
            ) from error

    def _heard(self, data: bytes) -> None:
        self._room -= len(data)
        if self._room < 0:
            raise ProbeFailure(ErrorKind.TOO_LARGE, "server sent more than 16 KiB before STARTTLS was complete")
        unread = self._unread
        unread += data
        while (end := unread.find(b"\n")) >= 0:
            line = bytes(unread[:end]).removesuffix(b"\r")
            del unread[: end + 1]
            try:
                self._say(self._dialogue.send(line))
            except StopIteration:
                if unread:
                    # An attacker may have injected it, to be taken for what the server sends under TLS (RFC 3207 §6).
                    raise ProbeFailure(
                        ErrorKind.PROTOCOL,
                        "server sent plaintext data after its STARTTLS response (possible command injection)",
                    ) from None
                self._secure()
                return

    def _say(self, data: bytes) -> None:
        if data:
            self._send(data)
